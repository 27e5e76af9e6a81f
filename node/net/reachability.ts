import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { CallEnv, PeerId, Surroundings } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { Reach } from './contract.ts'
import type { Counters } from './counters.ts'
import { DIAL_BACK_MS, DIAL_BACK_PORTS_COUNT_MAX, DialBack, dialBackWire } from './dial-back.ts'
import type { DialBackReply, DialBackRequest } from './dial-back.ts'
import type { Dialer } from './dialer.ts'
import type { Driver } from './driver.ts'
import type { Gate } from './gate.ts'
import { KAD_PROTOCOL } from './libp2p.ts'
import type { GridNode } from './libp2p.ts'
import { hostOf, isRelayed, outwardAddresses } from './outward-addresses.ts'
import { ReachWatch } from './reach.ts'
import type { DirectPeer } from './reach.ts'
import { Relays } from './relays.ts'
import type { Subnets } from './subnets.ts'

/**
 * How others reach this node, and what follows: who is reachable serves the DHT and is a relay for others; who is not has places at
 * relays, tells their addresses, and goes over to a direct connection with whoever comes over one. That last is the part of hole
 * punching that works over TCP here: libp2p's dcutr has both sides dial at once from the port they listen on, which Node.js cannot
 * do, and leaves private addresses out.
 */

/** A dial for each port, one after another, and the way there and back. */
const ASK_MS = DIAL_BACK_PORTS_COUNT_MAX * DIAL_BACK_MS + 2_000
/** Addresses told: as many as a descriptor has room for. */
const ADDRESSES_COUNT_MAX = 8

export interface ReachabilityDependencies {
  readonly node: GridNode
  readonly gate: Gate
  readonly dialer: Dialer
  readonly driver: Driver
  readonly subnets: Subnets
  readonly surroundings: Surroundings
  readonly counters: Counters
  readonly log: Log
  readonly disconnect: (peer: PeerId, reason: string) => void
  /** This machine has other addresses than before. */
  readonly onMoved: () => void
}

export class Reachability {
  readonly #parts: ReachabilityDependencies
  readonly #watch: ReachWatch
  readonly #relays: Relays
  readonly #listeners = new Set<(addresses: readonly string[]) => void>()
  #calls: CallEnv<DialBackRequest, DialBackReply> | undefined
  #toldAddresses = ''
  #place = ''

  constructor(parts: ReachabilityDependencies) {
    this.#parts = parts
    const { node, gate, subnets, surroundings, log, disconnect } = parts
    const nowMs = (): number => surroundings.nowMs
    this.#relays = new Relays({
      self: surroundings.self,
      store: node.reservations,
      nowMs,
      log,
      candidates: () => this.#candidates(),
      ping: (peer, signal) => node.libp2p.services.ping.ping(peerIdFromString(peer), { signal }),
      disconnect,
      onChange: () => this.#tellAddresses(),
    })
    this.#watch = new ReachWatch({
      nowMs,
      log,
      peers: () => this.#directPeers(),
      isConnected: () => gate.peers().length > 0,
      isNear: (host) => subnets.isNear(host),
      place: () => subnets.own(),
      ports: () => this.#ports(),
      ask: (peer, ports) => this.#calls!.call(peer, { ports }, { timeoutMs: ASK_MS }),
      relays: this.#relays,
      onVerdict: (isReachable) => this.#follow(isReachable),
      onLook: () => this.#look(),
    })
  }

  /** Whether others reach this node, as far as is known. */
  get isReachable(): boolean {
    return this.#watch.isReachable === true
  }

  start(): void {
    const { gate, driver, dialer, surroundings, node } = this.#parts
    const service = new DialBack({
      nowMs: () => surroundings.nowMs,
      hostOf: (peer) => this.#hostOf(peer),
      answersAt: (peer, host, port) =>
        dialer.answersAt(peer, `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`, DIAL_BACK_MS),
    })
    this.#calls = driver.serve(dialBackWire, service)
    gate.onConnection((connection) => this.#straighten(connection))
    // kad-dht itself keeps who left the DHT until a question has failed.
    node.libp2p.addEventListener('peer:update', ({ detail: { peer, previous } }) => {
      if (previous?.protocols.includes(KAD_PROTOCOL) !== true || peer.protocols.includes(KAD_PROTOCOL)) return
      node.libp2p.services.dht.routingTable.remove(peer.id).catch(() => {})
    })
    gate.onLost((peer) => node.libp2p.services.relay.reservations.delete(peerIdFromString(peer)))
    this.#toldAddresses = this.addresses().join()
    this.#place = this.#parts.subnets.own()
    this.#watch.start()
  }

  stop(): void {
    this.#watch.stop()
    this.#relays.stop()
    this.#listeners.clear()
  }

  addresses(): readonly string[] {
    const { subnets, surroundings } = this.#parts
    const { self } = surroundings
    const direct = this.#direct()
    // In a subnet of ours nobody stands between us and who saw us: an address there that is not ours was, before a change.
    const isOutdated = (host: string): boolean => subnets.isNear(host) && !direct.some((own) => hostOf(own) === host)
    const seen = this.#watch
      .seenAt()
      .filter(({ host }) => !isOutdated(host))
      .map(({ host, port }) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}/p2p/${self}`)
    const elsewhere = this.#watch.isReachable === false ? this.#relays.addresses() : seen
    return outwardAddresses([...new Set([...elsewhere, ...direct])]).slice(0, ADDRESSES_COUNT_MAX)
  }

  onAddresses(listener: (addresses: readonly string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Nodes that are gone as relays are asked again at once. */
  retryRelays(): void {
    this.#relays.retry()
  }

  async check(): Promise<Reach> {
    await this.#watch.check()
    return this.report()
  }

  report(): Reach {
    return {
      state: this.#watch.state(),
      addresses: this.addresses(),
      relays: this.#relays.peers(),
      witnesses: this.#watch.witnesses(),
      relayedPeersCount: this.#parts.node.libp2p.services.relay.reservations.size,
    }
  }

  /** Who is reachable answers others' questions to the DHT; who is not would only make them wait. */
  #follow(isReachable: boolean): void {
    const { node, log } = this.#parts
    node.libp2p.services.dht.setMode(isReachable ? 'server' : 'client').catch((thrown: unknown) => {
      log.warn({ err: thrown }, 'the part in the DHT could not be changed')
    })
  }

  #straighten(connection: Connection): void {
    if (connection.direct || connection.direction !== 'inbound') return
    const { dialer, counters } = this.#parts
    void dialer.straighten(connection.remotePeer.toString()).then((isDirect) => {
      if (isDirect) counters.add('reach_straightened_connections')
    })
  }

  #look(): void {
    const place = this.#parts.subnets.own()
    if (place !== this.#place) {
      this.#place = place
      this.#parts.onMoved()
    }
    this.#tellAddresses()
  }

  #tellAddresses(): void {
    const addresses = this.addresses()
    if (addresses.join() === this.#toldAddresses) return
    this.#toldAddresses = addresses.join()
    for (const listener of this.#listeners) listener(addresses)
  }

  /** Where this node listens itself, by what libp2p knows of its sockets. */
  #direct(): string[] {
    return this.#parts.node.libp2p
      .getMultiaddrs()
      .map(String)
      .filter((address) => !isRelayed(address))
  }

  #ports(): number[] {
    const ports = this.#direct().flatMap((address) => /\/tcp\/(\d+)/.exec(address)?.[1] ?? [])
    return [...new Set(ports.map(Number))].slice(0, DIAL_BACK_PORTS_COUNT_MAX)
  }

  #directPeers(): DirectPeer[] {
    return this.#parts.gate
      .connections()
      .filter((connection) => connection.direct)
      .flatMap(({ remotePeer, remoteAddr, direction, timeline }) => {
        const host = hostOf(remoteAddr.toString())
        if (host === undefined) return []
        return [
          { peer: remotePeer.toString(), host, isInbound: direction === 'inbound', ageMs: Date.now() - timeline.open },
        ]
      })
  }

  /** As a peer's own connection shows it; one that we dialed shows where it listens. */
  #hostOf(peer: PeerId): string | undefined {
    const connections = this.#directPeers().filter((direct) => direct.peer === peer)
    return (connections.findLast(({ isInbound }) => isInbound) ?? connections.at(-1))?.host
  }

  /** In random order, so that relays share the load; those outside of our subnets first, whom others reach more likely. */
  #candidates(): PeerId[] {
    const { subnets, surroundings } = this.#parts
    const dialed = this.#directPeers().filter(({ isInbound }) => !isInbound)
    return dialed
      .map(({ peer, host }) => ({ peer, rank: (subnets.isNear(host) ? 1_000 : 0) + surroundings.rng.below(1_000) }))
      .toSorted((left, right) => left.rank - right.rank)
      .map(({ peer }) => peer)
  }
}
