import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import { cut } from './cut.ts'
import type { Gate } from './gate.ts'
import { hostOf, isRelayed } from './outward-addresses.ts'
import { openStream } from './open-stream.ts'
import type { Versions } from './versions.ts'

/** Finds peers: by the addresses that were made known, else by what libp2p remembers or its DHT can find. */

/** Peers whose addresses are kept; beyond it the one that was told longest ago is forgotten, and libp2p has to find it. */
export const KNOWN_PEERS_COUNT_MAX = 20_000
/** Addresses of one peer; a machine with more announces its best ones first. */
export const ADDRESSES_COUNT_MAX = 16
/** A connection over known addresses: a handshake takes a tenth of a second, a lost packet a few. */
const DIAL_MS = 5_000
/** A peer without known addresses has to be looked up first; who is not found quickly is mostly not there. */
const LOOKUP_MS = 3_000
/** A neighbour answers at once; a home network's address in another home never does, and leaves the rest to the relay. */
const NEAR_MS = 1_500
const OPEN_STREAM_MS = 5_000

export class Dialer {
  readonly #libp2p: Libp2p
  readonly #gate: Gate
  readonly #versions: Versions
  readonly #demandWelcome: (peer: PeerId) => void
  readonly #isNear: (host: string) => boolean
  readonly #known = new Map<PeerId, readonly Multiaddr[]>()

  /** `demandWelcome` throws for peers that are not dialed; `isNear` knows the hosts of our subnets. */
  constructor(
    libp2p: Libp2p,
    gate: Gate,
    {
      versions,
      demandWelcome,
      isNear,
    }: { versions: Versions; demandWelcome: (peer: PeerId) => void; isNear: (host: string) => boolean },
  ) {
    this.#versions = versions
    this.#libp2p = libp2p
    this.#gate = gate
    this.#demandWelcome = demandWelcome
    this.#isNear = isNear
  }

  /** Takes in where a peer is now. Says whether it was known to be somewhere else. */
  know(peer: PeerId, addresses: readonly string[]): boolean {
    const parsed = addresses.slice(0, ADDRESSES_COUNT_MAX).flatMap((address) => parseAddress(peer, address))
    const before = this.#known.get(peer)
    this.#known.delete(peer)
    if (parsed.length === 0) return false
    this.#known.set(peer, parsed)
    if (this.#known.size > KNOWN_PEERS_COUNT_MAX) this.#known.delete(this.#known.keys().next().value!)
    return before !== undefined && before.join() !== parsed.join()
  }

  /** An admitted connection. Rejects with `PEER_UNREACHABLE`, or with why the peer or we refused. */
  async connect(peer: PeerId): Promise<Connection> {
    const open = this.#gate.connectionTo(peer)
    if (open !== undefined) return open
    try {
      this.#demandWelcome(peer)
    } catch (cause) {
      throw unreachable(peer, cause)
    }
    let connection = await this.#dial(peer, false)
    // It may be left from before we, or they, had the right credentials.
    if (this.#gate.isRefused(connection)) connection = await this.#dial(peer, true)
    try {
      await this.#gate.admitted(connection)
      return connection
    } catch (thrown) {
      const error = asRoostError(thrown)
      throw error.code === 'CONNECTION_LOST' || error.code === 'CALL_TIMEOUT' ? unreachable(peer, error) : error
    }
  }

  /** A stream over an admitted connection. Rejects as `connect` does, or with `PROTOCOL_UNKNOWN`. */
  async open(peer: PeerId, protocol: string, streamsMax: number): Promise<{ stream: Stream; connection: Connection }> {
    const connection = await this.connect(peer)
    try {
      const stream = await openStream(connection, protocol, {
        timeoutMs: OPEN_STREAM_MS,
        maxOutboundStreams: streamsMax,
        peerStore: this.#libp2p.peerStore,
        versions: this.#versions,
      })
      return { stream, connection }
    } catch (cause) {
      throw cause instanceof RoostError && cause.code === 'PROTOCOL_UNKNOWN' ? cause : unreachable(peer, cause)
    }
  }

  /**
   * Tries for a direct connection with a peer that came over a relay: who can only dial out reaches by this whoever others reach.
   * Resolves with whether there is one.
   */
  async straighten(peer: PeerId): Promise<boolean> {
    const direct = (this.#known.get(peer) ?? []).filter((address) => !isRelayed(address.toString()))
    if (direct.length === 0 || this.#gate.connectionTo(peer)?.direct === true) return false
    try {
      const connection = await this.#libp2p.dial(direct, { signal: AbortSignal.timeout(DIAL_MS), force: true })
      await this.#gate.admitted(connection)
      return connection.direct
    } catch {
      return false
    }
  }

  /** Whether the peer itself answers at an address. The connection that shows it is closed at once. */
  async answersAt(peer: PeerId, address: string, timeoutMs: number): Promise<boolean> {
    try {
      return await this.#gate.whileProbing(address, async () => {
        const target = multiaddr(`${address}/p2p/${peer}`)
        const connection = await this.#libp2p.dial(target, { signal: AbortSignal.timeout(timeoutMs), force: true })
        // Where another dial of that peer was under way, this is its connection.
        if (!this.#gate.isProbe(connection)) return false
        cut(connection, new Error('it answers'))
        return true
      })
    } catch {
      return false
    }
  }

  async #dial(peer: PeerId, force: boolean): Promise<Connection> {
    const addresses = this.#known.get(peer)
    if (addresses === undefined)
      return await this.#dialBy(peer, peerIdFromString(peer), { force, timeoutMs: LOOKUP_MS })
    const near = addresses.filter((address) => this.#mayBeNear(address.toString()))
    if (near.length > 0 && addresses.some((address) => isRelayed(address.toString()))) {
      const neighbour = await this.#dialBy(peer, near, { force, timeoutMs: NEAR_MS }).catch(() => undefined)
      if (neighbour !== undefined) return neighbour
      const others = addresses.filter((address) => !near.includes(address))
      return await this.#dialBy(peer, others, { force, timeoutMs: DIAL_MS })
    }
    return await this.#dialBy(peer, [...addresses], { force, timeoutMs: DIAL_MS })
  }

  async #dialBy(
    peer: PeerId,
    target: Parameters<Libp2p['dial']>[0],
    { force, timeoutMs }: { readonly force: boolean; readonly timeoutMs: number },
  ): Promise<Connection> {
    try {
      return await this.#libp2p.dial(target, { signal: AbortSignal.timeout(timeoutMs), force })
    } catch (cause) {
      throw unreachable(peer, cause)
    }
  }

  #mayBeNear(address: string): boolean {
    const host = hostOf(address)
    return !isRelayed(address) && host !== undefined && this.#isNear(host)
  }
}

function parseAddress(peer: PeerId, address: string): Multiaddr[] {
  try {
    const parsed = multiaddr(address)
    const named = parsed.getComponents().findLast((component) => component.name === 'p2p')?.value
    if (named === undefined) return [parsed.encapsulate(`/p2p/${peer}`)]
    return named === peer ? [parsed] : []
  } catch {
    return []
  }
}

function unreachable(peer: PeerId, cause: unknown): RoostError {
  return new RoostError('PEER_UNREACHABLE', `${peer} could not be reached`, { cause })
}
