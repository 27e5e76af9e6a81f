import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Connection } from '@libp2p/interface'
import { RoostError } from '../../overlay/index.ts'
import type {
  CallEnv,
  CallWire,
  CutOff,
  Env,
  PeerId,
  Plain,
  Protocol,
  Service,
  Surroundings,
  Wire,
} from '../../overlay/index.ts'
import type { Events, Fetch, JobDirectory } from '../../overlay/contract/index.ts'
import { ClosestPeers } from './closest.ts'
import type { Network, NetworkDependencies, NetworkOptions, Reach } from './contract.ts'
import { Counters } from './counters.ts'
import { cut } from './cut.ts'
import { Dialer } from './dialer.ts'
import { DhtDirectory, prefersJobValue, validateJobValue } from './directory.ts'
import { Driver, GRID_PROTOCOL } from './driver.ts'
import { Gate } from './gate.ts'
import { HTTP_PROTOCOL, HttpClient, HttpServer, SOCKETS_PER_PEER_MAX } from './http.ts'
import { JOIN_PROTOCOL, JoinDesk, askToJoin } from './join.ts'
import { Judge } from './judge.ts'
import { makeGridNode, startGridNode } from './libp2p.ts'
import type { GridNode, GridNodeDependencies } from './libp2p.ts'
import { GossipEvents } from './pubsub.ts'
import { guardPubsub } from './pubsub-guard.ts'
import { DOUBTED_MS, Pulse, SHAKEN_MS } from './pulse.ts'
import { Reachability } from './reachability.ts'
import { guardStreams } from './stream-guard.ts'
import { Subnets } from './subnets.ts'
import { TUNNELS_PER_PEER_MAX, TUNNEL_PROTOCOL, TunnelServer, openTunnel } from './tunnel.ts'
import type { ConnectTunnel } from './tunnel.ts'
import { Versions } from './versions.ts'
import type { Misfit } from './versions.ts'
import { WakeWatch } from './wake-watch.ts'

/** Streams of the grid's protocol that one connection may have: one is used, and another while it is being replaced. */
const GRID_STREAMS_COUNT_MAX = 4
/** One request, one reply, and perhaps another try. */
const JOIN_STREAMS_COUNT_MAX = 2
/**
 * When kad-dht's table is filled by asking around, by number of admitted peers: left to itself it stays near empty for minutes. Each
 * asking also starts a timer in kad-dht that never ends, so there are only these.
 */
const REFRESH_AT_PEERS_COUNTS: readonly number[] = [1, 8, 64]

/**
 * Starts this node on the network. Rejects with `PORT_TAKEN`, `ADDRESS_UNAVAILABLE` or `STORE_FAILED`, and then nothing of it is left
 * running.
 */
export async function createNetwork(options: NetworkOptions, dependencies: NetworkDependencies): Promise<Network> {
  const counters = new Counters()
  const { surroundings, log, admission } = dependencies
  const judge: Judge = new Judge({
    nowMs: () => surroundings.nowMs,
    log,
    counters,
    disconnect: (peer, reason) => network.disconnect(peer, reason),
  })
  const versions = new Versions({
    nowMs: () => surroundings.nowMs,
    onMisfit: ({ peer, ours, theirs }) =>
      log.warn({ peer, ours, theirs }, 'a peer speaks other versions of a protocol'),
  })
  const gate = new Gate({ log, counters, versions, admission: judge.before(admission) })
  const subnets = new Subnets(() => surroundings.nowMs)
  const node = await makeNode(options, dependencies, {
    gate,
    counters,
    // Nobody asks before the node has started.
    isReachable: () => network.isReachable,
    isNear: (host) => subnets.isNear(host),
  })
  const network: Libp2pNetwork = new Libp2pNetwork(node, { gate, judge, counters, versions, subnets }, dependencies)
  try {
    await network.start(options)
    return network
  } catch (thrown) {
    await network.stop()
    throw thrown
  }
}

async function makeNode(
  options: NetworkOptions,
  { surroundings: { crypto }, vo }: NetworkDependencies,
  parts: Pick<GridNodeDependencies, 'gate' | 'counters' | 'isReachable' | 'isNear'>,
): Promise<GridNode> {
  try {
    return await makeGridNode(options, {
      ...parts,
      validate: (key, value) => validateJobValue(key, value, { crypto, vo: vo() }),
      prefer: (kept, fresh) => prefersJobValue(kept, fresh, crypto),
    })
  } catch (cause) {
    if (typeof options.store !== 'string') throw cause
    throw new RoostError('STORE_FAILED', `the database in ${options.store} cannot be opened`, { cause })
  }
}

class Libp2pNetwork implements Network {
  readonly self: PeerId
  readonly surroundings: Surroundings
  readonly #node: GridNode
  readonly #gate: Gate
  readonly #judge: Judge
  readonly #counters: Counters
  readonly #versions: Versions
  readonly #dialer: Dialer
  readonly #driver: Driver
  readonly #directory: DhtDirectory
  readonly #events: GossipEvents
  readonly #httpServer: HttpServer
  readonly #httpClient: HttpClient
  readonly #tunnels: TunnelServer
  readonly #closest: ClosestPeers
  readonly #joinDesk: JoinDesk
  readonly #reachability: Reachability
  readonly #pulse: Pulse
  readonly #wakeWatch: WakeWatch
  #stopping: Promise<void> | undefined
  #isStopped = false

  constructor(
    node: GridNode,
    parts: {
      readonly gate: Gate
      readonly judge: Judge
      readonly counters: Counters
      readonly versions: Versions
      readonly subnets: Subnets
    },
    { admission, surroundings, vo, log }: NetworkDependencies,
  ) {
    const { gate, judge, counters, versions, subnets } = parts
    const blame = (peer: PeerId, protocol: string, reason: string): void => judge.blame(peer, protocol, reason)
    const { libp2p, records } = node
    const { dht, pubsub } = libp2p.services
    const { self, crypto } = surroundings
    assert.equal(libp2p.peerId.toString(), self, 'the key is not the one of the surroundings')
    this.self = self
    this.surroundings = surroundings
    this.#node = node
    this.#gate = gate
    this.#judge = judge
    this.#counters = counters
    this.#versions = versions
    this.#dialer = new Dialer(libp2p, gate, {
      versions,
      demandWelcome: (peer) => judge.demandWelcome(peer),
      isNear: (host) => subnets.isNear(host),
    })
    this.#driver = new Driver({
      surroundings,
      log,
      counters,
      versions,
      open: (peer) => this.#dialer.open(peer, GRID_PROTOCOL, GRID_STREAMS_COUNT_MAX),
      blame,
    })
    this.#directory = new DhtDirectory({ self, crypto, vo, dht, records, counters, log })
    this.#events = new GossipEvents({ self, pubsub, counters, log, connect: (peer) => this.connect(peer), blame })
    const guarding = { counters, blame, nowMs: () => surroundings.nowMs }
    guardPubsub(pubsub, guarding)
    libp2p.addEventListener('connection:open', ({ detail }) => guardStreams(detail, guarding))
    this.#httpServer = new HttpServer(counters, blame)
    this.#httpClient = new HttpClient({
      counters,
      open: (peer) => this.#dialer.open(peer, HTTP_PROTOCOL, SOCKETS_PER_PEER_MAX),
    })
    this.#tunnels = new TunnelServer(counters, blame)
    this.#closest = new ClosestPeers(dht, () => surroundings.nowMs)
    this.#joinDesk = new JoinDesk({ admission, counters, log })
    this.#reachability = new Reachability({
      node,
      gate,
      dialer: this.#dialer,
      driver: this.#driver,
      subnets,
      surroundings,
      counters,
      log,
      disconnect: (peer, reason) => this.disconnect(peer, reason),
      onMoved: () => this.#shake(),
    })
    this.#pulse = new Pulse(counters)
    this.#wakeWatch = new WakeWatch({
      nowMs: () => surroundings.nowMs,
      wallMs: () => surroundings.wallMs,
      onWake: (sleptMs) => {
        log.info({ sleptMs }, 'this machine slept')
        this.#shake()
      },
    })
  }

  async start({ listen }: NetworkOptions): Promise<void> {
    const { libp2p } = this.#node
    await this.#gate.attach(libp2p)
    const streams = (count: number) => ({
      maxInboundStreams: count,
      maxOutboundStreams: count,
      // A relayed connection is one like any other, and passes the same gate.
      runOnLimitedConnection: true,
    })
    await libp2p.handle(JOIN_PROTOCOL, (stream, connection) => void this.#joinDesk.answer(stream, connection), {
      ...streams(JOIN_STREAMS_COUNT_MAX),
    })
    await libp2p.handle(
      GRID_PROTOCOL,
      this.#gate.handler((stream, connection) => this.#driver.accept(stream, connection)),
      streams(GRID_STREAMS_COUNT_MAX),
    )
    await libp2p.handle(
      HTTP_PROTOCOL,
      this.#gate.handler((stream, connection) => this.#httpServer.accept(stream, connection)),
      streams(SOCKETS_PER_PEER_MAX),
    )
    await libp2p.handle(
      TUNNEL_PROTOCOL,
      this.#gate.handler((stream, connection) => this.#tunnels.accept(stream, connection)),
      streams(TUNNELS_PER_PEER_MAX),
    )
    await startGridNode(libp2p, listen)
    this.#directory.start()
    this.#reachability.start()
    this.#wakeWatch.start()
    this.#refreshAsPeersCome()
  }

  get directory(): JobDirectory {
    return this.#directory
  }

  get events(): Events {
    return this.#events
  }

  addresses(): readonly string[] {
    return this.#reachability.addresses()
  }

  get isReachable(): boolean {
    return this.#reachability.isReachable
  }

  onAddresses(listener: (addresses: readonly string[]) => void): () => void {
    return this.#reachability.onAddresses(listener)
  }

  reach(): Reach {
    return this.#reachability.report()
  }

  checkReach(): Promise<Reach> {
    return this.#reachability.check()
  }

  know(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.self || !this.#dialer.know(peer, addresses)) return
    // Who has moved is not where the connection leads.
    void this.#pulse.feel(this.#connectionsWith(peer), SHAKEN_MS)
  }

  async connect(peer: PeerId): Promise<void> {
    if (peer !== this.self) await this.#dialer.connect(peer)
  }

  disconnect(peer: PeerId, reason: string): void {
    for (const connection of this.#connectionsWith(peer)) cut(connection, new Error(reason))
  }

  doubt(peer: PeerId): void {
    void this.#pulse.feel(this.#connectionsWith(peer), DOUBTED_MS)
  }

  blame(peer: PeerId, refusal: { readonly protocol: string; readonly reason: string }): void {
    if (peer !== this.self) this.#judge.blame(peer, refusal.protocol, refusal.reason)
  }

  cutOffs(): readonly CutOff[] {
    return this.#judge.cutOffs()
  }

  misfits(): readonly Misfit[] {
    return this.#versions.misfits()
  }

  connected(): readonly PeerId[] {
    return this.#gate.peers()
  }

  onAdmitted(listener: (peer: PeerId) => void): () => void {
    return this.#gate.onAdmitted(listener)
  }

  onLost(listener: (peer: PeerId) => void): () => void {
    return this.#gate.onLost(listener)
  }

  mount<Message, Timer, Event>(
    wire: Wire<Message>,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
  ): Env<Message, Timer, Event> {
    return this.#driver.mount(wire, protocol, onEvent)
  }

  serve<Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>): CallEnv<Request, Reply> {
    return this.#driver.serve(wire, service)
  }

  unmount(wireId: string): void {
    this.#driver.unmount(wireId)
  }

  serveHttp(listener: (request: IncomingMessage, response: ServerResponse) => void): void {
    this.#httpServer.listen(listener)
  }

  peerFetch(peer: PeerId): Fetch {
    return this.#httpClient.fetchFrom(peer)
  }

  serveTunnels(connect: ConnectTunnel): void {
    this.#tunnels.serve(connect)
  }

  async openTunnel(peer: PeerId, request: Plain, signal: AbortSignal): Promise<Duplex> {
    const { stream } = await this.#dialer.open(peer, TUNNEL_PROTOCOL, TUNNELS_PER_PEER_MAX)
    const giveUp = (): void => stream.abort(new Error('given up'))
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await openTunnel(stream, peer, request)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  closest(
    key: Uint8Array,
    among: { readonly count: number; readonly known: readonly PeerId[]; readonly except: (peer: PeerId) => boolean },
  ): Promise<readonly PeerId[]> {
    return this.#closest.find(key, among)
  }

  async requestJoin(
    addresses: readonly string[],
    request: Plain,
  ): Promise<{ readonly peer: PeerId; readonly reply: unknown }> {
    return await this.#gate.whileJoining(() => askToJoin(this.#node.libp2p, addresses, request))
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      ...Object.fromEntries(this.#counters.entries()),
      ...this.#judge.metrics(),
      ...this.#driver.sentBytes,
      connections_count: this.#node.libp2p.getConnections().length,
      streams_count: this.#node.libp2p.getConnections().reduce((sum, { streams }) => sum + streams.length, 0),
      admitted_peers_count: this.#gate.peers().length,
      unadmitted_connections_count: this.#gate.unadmittedCount,
      grid_links_count: this.#driver.linksCount,
      grid_open_calls_count: this.#driver.callsOpenCount,
      grid_waiting_bytes: this.#driver.waitingBytes,
      http_served_sockets_count: this.#httpServer.socketsCount,
      tunnels_served_count: this.#tunnels.count,
      http_asked_peers_count: this.#httpClient.poolsCount,
      ...this.#events.metrics(),
      relayed_peers_count: this.#node.libp2p.services.relay.reservations.size,
      dht_table_peers_count: this.#node.libp2p.services.dht.routingTable.size,
    }
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    await this.#stopping
  }

  async #stop(): Promise<void> {
    this.#isStopped = true
    this.#wakeWatch.stop()
    this.#reachability.stop()
    this.#driver.stop()
    this.#events.stop()
    this.#directory.stop()
    this.#gate.stop()
    this.#httpServer.stop()
    this.#tunnels.stop()
    this.#closest.stop()
    await this.#httpClient.stop()
    await this.#node.libp2p.stop()
    await this.#node.closeStore()
  }

  /** After sleep, or in another place: connections from before are most likely dead, and relays may be had again. */
  #shake(): void {
    this.#reachability.retryRelays()
    void this.#pulse.feel(this.#node.libp2p.getConnections(), SHAKEN_MS)
  }

  #connectionsWith(peer: PeerId): Connection[] {
    return this.#node.libp2p.getConnections().filter((connection) => connection.remotePeer.toString() === peer)
  }

  #refreshAsPeersCome(): void {
    const left = [...REFRESH_AT_PEERS_COUNTS]
    const stopListening = this.#gate.onAdmitted(() => {
      if (this.#isStopped || this.#gate.peers().length < left[0]!) return
      left.shift()
      if (left.length === 0) stopListening()
      this.#node.libp2p.services.dht.refreshRoutingTable().catch(() => {})
    })
  }
}
