import { peerIdFromString } from '@libp2p/peer-id'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import { isRelayed, outwardAddresses } from './outward-addresses.ts'

/**
 * The relays by which others reach a node that they cannot dial (circuit relay v2): it keeps a place at each, tells their addresses
 * as its own, and takes another the moment one is gone.
 */

/** Places kept at once. One more than is needed, so that the loss of a relay is not the loss of the node. */
export const RELAYS_COUNT = 2
/** A node that would not be our relay is not asked again before this. */
const RETRY_MS = 15_000
/** How often a relay is asked for a sign of life: one that vanished without a word leaves the node out of reach. */
const PING_EVERY_MS = 10_000
const PING_MS = 5_000
/** Addresses of one relay that are told: its first ones. A descriptor has room for eight. */
const ADDRESSES_PER_RELAY_MAX = 2

interface ReservedDetail {
  readonly relay: Libp2pPeerId
  readonly details: { readonly reservation: { readonly addrs: readonly Uint8Array[] } }
}

/** What is used of the store of reservations in libp2p's transport. */
export interface ReservationStore extends EventTarget {
  addRelay(relay: Libp2pPeerId, type: 'configured'): Promise<ReservedDetail>
  cancelReservations(): void
}

/** What a node does as a relay for others. */
export type RelayServer = Pick<CircuitRelayService, 'reservations'>

export interface RelaysDependencies {
  readonly self: PeerId
  readonly store: ReservationStore
  readonly nowMs: () => number
  readonly log: Log
  /** Peers that may be relays, best first: those that this node has dialed. */
  readonly candidates: () => readonly PeerId[]
  readonly ping: (peer: PeerId, signal: AbortSignal) => Promise<unknown>
  readonly disconnect: (peer: PeerId, reason: string) => void
  /** The relays, or their addresses, are others than before. */
  readonly onChange: () => void
}

export class Relays {
  readonly #dependencies: RelaysDependencies
  readonly #held = new Map<PeerId, readonly string[]>()
  readonly #refusedMs = new Map<PeerId, number>()
  #isWanted = false
  #isAsking = false
  #pingedMs = -Infinity

  constructor(dependencies: RelaysDependencies) {
    this.#dependencies = dependencies
    const { store } = dependencies
    store.addEventListener('relay:created-reservation', (event) => this.#reserved(detailOf(event)))
    store.addEventListener('relay:removed', (event) => this.#lost(detailOf(event).relay.toString()))
  }

  peers(): readonly PeerId[] {
    return [...this.#held.keys()]
  }

  /** Multiaddrs of this node over its relays: one of each relay, then the second ones. */
  addresses(): readonly string[] {
    const lists = [...this.#held.values()]
    return Array.from({ length: ADDRESSES_PER_RELAY_MAX }, (_, index) =>
      lists.flatMap((addresses) => addresses.slice(index, index + 1)),
    ).flat()
  }

  /** Called again and again: keeps `RELAYS_COUNT` places while they are wanted, and none otherwise. */
  keep(isWanted: boolean): void {
    this.#isWanted = isWanted
    if (isWanted) {
      void this.#fill()
      this.#pingAll()
    } else if (this.#held.size > 0) {
      this.#dependencies.store.cancelReservations()
      this.#held.clear()
      this.#dependencies.onChange()
    }
  }

  /** Forgets who would not be a relay, or was lost as one: much has changed since. */
  retry(): void {
    this.#refusedMs.clear()
  }

  stop(): void {
    this.#isWanted = false
    this.#held.clear()
  }

  async #fill(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      for (const peer of this.#dependencies.candidates()) {
        if (!this.#isWanted || this.#held.size >= RELAYS_COUNT) break
        if (!this.#held.has(peer) && !this.#wasRefused(peer)) await this.#ask(peer)
      }
    } finally {
      this.#isAsking = false
    }
  }

  async #ask(peer: PeerId): Promise<void> {
    const { store, nowMs, log } = this.#dependencies
    try {
      await store.addRelay(peerIdFromString(peer), 'configured')
      log.info({ peer }, 'others reach this node over a relay')
    } catch (thrown) {
      this.#refusedMs.set(peer, nowMs())
      log.debug({ peer, err: thrown }, 'a node is no relay for this one')
    }
  }

  #wasRefused(peer: PeerId): boolean {
    const now = this.#dependencies.nowMs()
    for (const [refused, atMs] of this.#refusedMs) if (now - atMs > RETRY_MS) this.#refusedMs.delete(refused)
    return this.#refusedMs.has(peer)
  }

  #reserved({ relay, details }: ReservedDetail): void {
    const { self, onChange } = this.#dependencies
    const direct = details.reservation.addrs.map((bytes) => multiaddr(bytes).toString()).filter((it) => !isRelayed(it))
    const addresses = outwardAddresses(direct)
      .slice(0, ADDRESSES_PER_RELAY_MAX)
      .map((address) => `${address}/p2p-circuit/p2p/${self}`)
    this.#held.set(relay.toString(), addresses)
    onChange()
  }

  #lost(peer: PeerId): void {
    if (!this.#held.delete(peer)) return
    this.#dependencies.log.info({ peer }, 'a relay is gone')
    this.#refusedMs.set(peer, this.#dependencies.nowMs())
    this.#dependencies.onChange()
    if (this.#isWanted) void this.#fill()
  }

  #pingAll(): void {
    const { nowMs, ping, disconnect } = this.#dependencies
    if (nowMs() - this.#pingedMs < PING_EVERY_MS) return
    this.#pingedMs = nowMs()
    for (const peer of this.#held.keys())
      ping(peer, AbortSignal.timeout(PING_MS)).catch(() => disconnect(peer, 'the relay does not answer'))
  }
}

function detailOf(event: Event): ReservedDetail {
  return (event as CustomEvent<ReservedDetail>).detail
}
