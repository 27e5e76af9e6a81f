import type { Connection, Libp2p, PeerId as Libp2pPeerId, PeerStore, StreamHandler, Topology } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { Log } from '../../overlay/contract/index.ts'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import { ADMISSION_MS, ADMISSION_PROTOCOL, answerAdmission, askAdmission } from './admission.ts'
import type { Admission, Admitted } from './contract.ts'
import type { Counters } from './counters.ts'
import { cut } from './cut.ts'
import { openStream } from './open-stream.ts'
import type { Versions } from './versions.ts'

/**
 * The gate stands before every protocol but four: identify and ping, which tell nothing that a connection does not, admission,
 * and join; and a relay takes strangers to where they may join (`Strangers`). It holds in both directions. A stream that comes in over a connection that is not admitted is aborted before
 * its handler sees it; and the services that libp2p brings (kad-dht, gossipsub) get a registrar that speaks of a peer only once it
 * is admitted, and a connection manager that opens streams only then. libp2p's own middleware is no place for this: in 3.3.11 a
 * connection adds the handler to the list that all connections share.
 *
 * Admission belongs to a connection, not to a peer: a node that restarted has forgotten us, and a new connection costs two round
 * trips. It ends with the credentials, by this machine's clock, and takes the connection along.
 */

/** How long a connection may stay that is not admitted: long enough to join by it. */
export const UNADMITTED_MS = 15_000
/** Connections from outside that are not admitted, at once; beyond it the newest is aborted. */
export const UNADMITTED_COUNT_MAX = 64
/** Streams of one connection that wait for its admission to end one way or the other; beyond it they are aborted. */
const WAITING_STREAMS_COUNT_MAX = 32
/** How long a refused connection stays so that each side's reason reaches the other; an abort would overtake it. */
const REFUSED_MS = 250
/** How often time is looked at. Credentials last for days; a second more does not matter. */
const SWEEP_MS = 1_000

type Registrar = KadDHTComponents['registrar']
type ConnectionManager = KadDHTComponents['connectionManager']

interface Entry {
  readonly connection: Connection
  readonly openedMs: number
  admitted: Admitted | undefined
  /** Resolves when the connection is admitted, rejects when it never will be. */
  readonly outcome: PromiseWithResolvers<void>
  isSettled: boolean
  /** Whether admission is under way: we ask for it, or the other side has. */
  isAsked: boolean
  waitingStreamsCount: number
}

export interface GateDependencies {
  readonly admission: Pick<Admission, 'present' | 'check'>
  readonly log: Log
  readonly counters: Counters
  readonly versions: Versions
}

export class Gate {
  readonly #admission: Pick<Admission, 'present' | 'check'>
  readonly #log: Log
  readonly #counters: Counters
  readonly #versions: Versions
  readonly #entries = new Map<Connection, Entry>()
  readonly #admittedListeners = new Set<(peer: PeerId) => void>()
  readonly #lostListeners = new Set<(peer: PeerId) => void>()
  readonly #connectionListeners = new Set<(connection: Connection) => void>()
  readonly #probed = new Set<string>()
  #sweep: NodeJS.Timeout | undefined
  #peerStore: PeerStore | undefined
  #joinsOpenCount = 0

  constructor({ admission, log, counters, versions }: GateDependencies) {
    this.#versions = versions
    this.#admission = admission
    this.#log = log
    this.#counters = counters
  }

  /** Watches a node that has not been started yet. */
  async attach(node: Libp2p): Promise<void> {
    this.#peerStore = node.peerStore
    node.addEventListener('connection:open', (event) => this.#opened(event.detail))
    node.addEventListener('connection:close', (event) => this.#closed(event.detail))
    await node.handle(
      ADMISSION_PROTOCOL,
      (stream, connection) => {
        const entry = this.#entry(connection)
        entry.isAsked = true
        if (entry.isSettled || connection.direction === 'outbound') stream.abort(new Error('admission was settled'))
        else void this.#settleBy(entry, answerAdmission(stream, connection.remotePeer.toString(), this.#admission))
      },
      { runOnLimitedConnection: true },
    )
    this.#sweep = setInterval(() => this.#closeWhatIsOver(), SWEEP_MS)
    this.#sweep.unref()
  }

  stop(): void {
    clearInterval(this.#sweep)
    this.#admittedListeners.clear()
    this.#lostListeners.clear()
    this.#connectionListeners.clear()
    for (const entry of this.#entries.values()) this.#settle(entry, new RoostError('CANCELLED', 'the node is stopping'))
  }

  isAdmitted(connection: Connection): boolean {
    const until = this.#entries.get(connection)?.admitted
    return until !== undefined && connection.status === 'open' && Date.now() < until.untilMs
  }

  /** The newest connection with a peer that is admitted, a direct one where there is one. */
  connectionTo(peer: PeerId): Connection | undefined {
    const connections = this.connections().filter((connection) => connection.remotePeer.toString() === peer)
    return connections.findLast((connection) => connection.direct) ?? connections.at(-1)
  }

  /** All connections that are admitted, the oldest first. */
  connections(): readonly Connection[] {
    return [...this.#entries.keys()].filter((connection) => this.isAdmitted(connection))
  }

  peers(): readonly PeerId[] {
    return [...new Set(this.connections().map((connection) => connection.remotePeer.toString()))]
  }

  get unadmittedCount(): number {
    let count = 0
    for (const entry of this.#entries.values()) if (entry.admitted === undefined) count++
    return count
  }

  /** Tells of every peer that is admitted while it had no admitted connection. Returns how to stop. */
  onAdmitted(listener: (peer: PeerId) => void): () => void {
    this.#admittedListeners.add(listener)
    return () => this.#admittedListeners.delete(listener)
  }

  /** Tells of every peer whose last admitted connection has closed. Returns how to stop. */
  onLost(listener: (peer: PeerId) => void): () => void {
    this.#lostListeners.add(listener)
    return () => this.#lostListeners.delete(listener)
  }

  /** Tells of every connection that is admitted. Returns how to stop. */
  onConnection(listener: (connection: Connection) => void): () => void {
    this.#connectionListeners.add(listener)
    return () => this.#connectionListeners.delete(listener)
  }

  /** Runs a dial that is only to see who answers: a connection to that address is closed by who dials it, and never admitted. */
  async whileProbing<Result>(address: string, probe: () => Promise<Result>): Promise<Result> {
    this.#probed.add(address)
    try {
      return await probe()
    } finally {
      this.#probed.delete(address)
    }
  }

  isProbe(connection: Connection): boolean {
    return connection.direction === 'outbound' && this.#probed.has(connection.remoteAddr.toString().split('/p2p/')[0]!)
  }

  /** Whether a connection will never be admitted. */
  isRefused(connection: Connection): boolean {
    const entry = this.#entry(connection)
    return entry.isSettled && entry.admitted === undefined
  }

  /** Whether a connection is admitted, or may be in a moment: who wants that asks for it before anything else. */
  mayBeAdmitted(connection: Connection): boolean {
    const { isAsked, isSettled, admitted } = this.#entry(connection)
    return isSettled ? admitted !== undefined : isAsked
  }

  /** Waits until a connection is admitted. Rejects with the error of the side that refused it. */
  admitted(connection: Connection): Promise<void> {
    return this.#entry(connection).outcome.promise
  }

  /**
   * Runs a join: meanwhile a connection that was refused is left open, since joining is what refused peers do, be it by way of a relay.
   * Then it is ended: by the next one this node is a member.
   */
  async whileJoining<Result>(join: () => Promise<Result>): Promise<Result> {
    this.#joinsOpenCount++
    try {
      return await join()
    } finally {
      this.#joinsOpenCount--
      for (const { connection } of [...this.#entries.values()])
        if (connection.direction === 'outbound' && this.isRefused(connection))
          this.#abandon(connection, new RoostError('NOT_ADMITTED', 'joining is done'))
    }
  }

  /** A handler that sees only admitted peers. A stream that comes while admission is under way waits for it, unread. */
  handler(inner: StreamHandler): StreamHandler {
    return async (stream, connection) => {
      if (!this.isAdmitted(connection)) {
        const entry = this.#entry(connection)
        const mayWait = !entry.isSettled && entry.waitingStreamsCount < WAITING_STREAMS_COUNT_MAX
        const isIn = mayWait && (await this.#outcomeWith(entry, stream))
        if (!isIn) {
          this.#counters.add('gate_refused_streams')
          stream.abort(new RoostError('NOT_ADMITTED', 'this peer is not admitted'))
          return
        }
      }
      await inner(stream, connection)
    }
  }

  /** What a libp2p service is built from, so that it too knows only admitted peers, unless `handler` lets others to its streams. */
  guard<Components extends { registrar: Registrar; connectionManager: ConnectionManager }>(
    components: Components,
    handler = (inner: StreamHandler): StreamHandler => this.handler(inner),
  ): Components {
    const registrar = this.#guardRegistrar(components.registrar, handler)
    const connectionManager = this.#guardConnectionManager(components.connectionManager)
    return new Proxy(components, {
      get: (target, name) => {
        if (name === 'registrar') return registrar
        if (name === 'connectionManager') return connectionManager
        return Reflect.get(target, name)
      },
    })
  }

  #guardRegistrar(registrar: Registrar, handler: (inner: StreamHandler) => StreamHandler): Registrar {
    return override(registrar, {
      handle: (protocol, inner, options) => registrar.handle(protocol, handler(inner), options),
      register: (protocol, topology, options) => registrar.register(protocol, this.#guardTopology(topology), options),
    })
  }

  #guardTopology(topology: Topology): Topology {
    const told = new Set<string>()
    return {
      ...topology,
      onConnect: async (peer, connection) => {
        try {
          await this.admitted(connection)
        } catch {
          return
        }
        if (!this.isAdmitted(connection)) return
        told.add(peer.toString())
        await topology.onConnect?.(peer, connection)
      },
      onDisconnect: async (peer: Libp2pPeerId) => {
        if (told.delete(peer.toString())) await topology.onDisconnect?.(peer)
      },
    }
  }

  #guardConnectionManager(manager: ConnectionManager): ConnectionManager {
    return override(manager, {
      openStream: async (peer, protocol, options) => {
        const connection = await manager.openConnection(peer, options)
        await this.admitted(connection)
        return await connection.newStream(protocol, options)
      },
    })
  }

  async #outcomeWith(entry: Entry, stream: Parameters<StreamHandler>[0]): Promise<boolean> {
    entry.waitingStreamsCount++
    try {
      stream.pause()
      await entry.outcome.promise
      stream.resume()
      return this.isAdmitted(entry.connection)
    } catch {
      return false
    } finally {
      entry.waitingStreamsCount--
    }
  }

  #opened(connection: Connection): void {
    const entry = this.#entry(connection)
    if (this.isProbe(connection)) {
      this.#settle(entry, new RoostError('NOT_ADMITTED', 'this connection only shows who answers'))
    } else if (connection.direction === 'outbound') {
      void this.#settleBy(entry, this.#ask(connection))
    } else if (this.unadmittedCount > UNADMITTED_COUNT_MAX) {
      this.#counters.add('gate_overflow_connections')
      cut(connection, new RoostError('BUSY', 'too many connections that are not admitted'))
    }
  }

  async #ask(connection: Connection): Promise<Admitted> {
    if (this.#admission.present() === undefined)
      throw new RoostError('NOT_ADMITTED', 'this node has no credentials yet, and can only join')
    const stream = await openStream(connection, ADMISSION_PROTOCOL, {
      timeoutMs: ADMISSION_MS,
      peerStore: this.#peerStore!,
      versions: this.#versions,
    })
    return await askAdmission(stream, connection.remotePeer.toString(), this.#admission)
  }

  async #settleBy(entry: Entry, admission: Promise<Admitted>): Promise<void> {
    const { connection } = entry
    const peer = connection.remotePeer.toString()
    try {
      const admitted = await admission
      if (entry.isSettled) return
      const isNews = !this.peers().includes(peer)
      entry.admitted = admitted
      this.#settle(entry)
      this.#counters.add('gate_admitted_connections')
      if (isNews) this.#tell(this.#admittedListeners, peer)
      this.#tell(this.#connectionListeners, connection)
    } catch (thrown) {
      const error = asRoostError(thrown)
      if (entry.isSettled) return
      this.#settle(entry, error)
      this.#counters.add('gate_refused_connections')
      this.#log.info({ peer, code: error.code, err: error, direction: connection.direction }, 'connection not admitted')
      if (connection.direction === 'outbound') setTimeout(() => this.#abandon(connection, error), REFUSED_MS).unref()
    }
  }

  #settle(entry: Entry, error?: RoostError): void {
    if (entry.isSettled) return
    entry.isSettled = true
    if (error === undefined) entry.outcome.resolve()
    else entry.outcome.reject(error)
  }

  /** Who dialed ends what was refused, unless it may be joining by it; then time ends it. */
  #abandon(connection: Connection, reason: RoostError): void {
    if (this.#joinsOpenCount === 0) cut(connection, reason)
  }

  #tell<News>(listeners: ReadonlySet<(news: News) => void>, news: News): void {
    for (const listener of listeners) {
      try {
        listener(news)
      } catch (thrown) {
        this.#log.error({ err: thrown }, 'a listener of the gate failed')
      }
    }
  }

  #entry(connection: Connection): Entry {
    const known = this.#entries.get(connection)
    if (known !== undefined) return known
    const entry: Entry = {
      connection,
      openedMs: performance.now(),
      admitted: undefined,
      outcome: Promise.withResolvers<void>(),
      isSettled: false,
      isAsked: connection.direction === 'outbound',
      waitingStreamsCount: 0,
    }
    // Nobody may be waiting when it rejects.
    entry.outcome.promise.catch(() => {})
    if (connection.status === 'open') this.#entries.set(connection, entry)
    else this.#settle(entry, lost())
    return entry
  }

  #closed(connection: Connection): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    this.#entries.delete(connection)
    this.#settle(entry, lost())
    const peer = connection.remotePeer.toString()
    if (entry.admitted !== undefined && !this.peers().includes(peer)) this.#tell(this.#lostListeners, peer)
  }

  #closeWhatIsOver(): void {
    for (const { connection, admitted, openedMs } of this.#entries.values()) {
      if (connection.status !== 'open') {
        this.#closed(connection)
      } else if (admitted === undefined) {
        if (performance.now() - openedMs > UNADMITTED_MS)
          cut(connection, new RoostError('NOT_ADMITTED', 'not admitted in time'))
      } else if (Date.now() >= admitted.untilMs) {
        this.#counters.add('gate_expired_connections')
        this.#log.info({ peer: connection.remotePeer.toString() }, 'credentials expired')
        cut(connection, new RoostError('CREDENTIAL_EXPIRED', 'the credentials are past their time'))
      }
    }
  }
}

function lost(): RoostError {
  return new RoostError('CONNECTION_LOST', 'the connection ended before it was admitted')
}

/** The same object, but for a few methods; all else runs on the object itself, private fields included. */
function override<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get: (inner, name) => {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(inner, name)
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
}
