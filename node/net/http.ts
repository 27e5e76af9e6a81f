import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection, Stream } from '@libp2p/interface'
import type { buildConnector, Pool } from 'undici'
import { RoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import type { Fetch } from '../../overlay/contract/index.ts'
import type { Counters } from './counters.ts'
import { StreamSocket } from './stream-socket.ts'

/** HTTP between nodes: node:http and undici over libp2p streams. The listener knows from the connection who calls. */
export const HTTP_PROTOCOL = '/roost/http/1'

/** Streams of one peer that are served at once, and that one peer is asked on; more requests wait at the asking side. */
export const SOCKETS_PER_PEER_MAX = 64
/** Peers with a pool of streams; beyond it the one that was asked longest ago loses its pool once its requests are done. */
const POOLS_COUNT_MAX = 512
/** What may wait on a stream for a peer that does not read, when it asks for more. */
const UNREAD_BYTES_MAX = 1_048_576
/** How long the head of a request, and the whole of it, may take to arrive, and how often that is looked at. */
const LATE = { headersTimeout: 10_000, requestTimeout: 120_000, connectionsCheckingInterval: 2_000 } as const
/**
 * How long a peer may take nothing of an answer. It passes on what a person reads, who may have stopped the terminal for a while; until
 * then a stream holds some 2 MiB.
 */
const STALLED_MS = 600_000
const SWEEP_MS = 5_000
/** How long a stream without a request stays open, at the asking side and, a little later, at the other. */
const IDLE_MS = 5_000
const SERVER_IDLE_MS = 2 * IDLE_MS

/** Something that a peer sent was refused. */
type Blame = (peer: PeerId, protocol: string, reason: string) => void

export type HttpListener = (request: IncomingMessage, response: ServerResponse) => void

/** The node that sent a request that came in over libp2p. */
export function callerOf(request: IncomingMessage): PeerId {
  const socket = request.socket as unknown
  if (socket instanceof StreamSocket) return socket.peer
  throw new RoostError('INTERNAL', 'this request did not come from a peer')
}

export class HttpServer {
  readonly #server: Server
  readonly #sockets = new Set<StreamSocket>()
  readonly #counters: Counters
  readonly #blame: Blame
  /** The newest response on each socket. */
  readonly #responses = new WeakMap<Socket, ServerResponse>()
  readonly #sweep: NodeJS.Timeout
  #listener: HttpListener | undefined

  constructor(counters: Counters, blame: Blame, { stalledMs = STALLED_MS, sweepMs = SWEEP_MS, late = LATE } = {}) {
    this.#counters = counters
    this.#blame = blame
    this.#server = createServer(late, (request, response) => this.#answer(request, response))
    this.#server.keepAliveTimeout = SERVER_IDLE_MS
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (isNonsense(error) && socket instanceof StreamSocket) this.#blame(socket.peer, 'http', 'unreadable')
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#counters.add('http_late_requests')
      socket.destroy(error)
    })
    // node:http begins to look for requests that are late when it listens, and this one never does.
    this.#server.emit('listening')
    this.#sweep = setInterval(() => this.#endStalled(stalledMs), sweepMs).unref()
  }

  get socketsCount(): number {
    return this.#sockets.size
  }

  listen(listener: HttpListener): void {
    this.#listener = listener
  }

  /** Serves a stream of an admitted peer. */
  accept(stream: Stream, connection: Connection): void {
    const socket = new StreamSocket(stream, connection.remotePeer.toString())
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    this.#server.emit('connection', socket as unknown as Socket)
  }

  stop(): void {
    this.#listener = undefined
    clearInterval(this.#sweep)
    for (const socket of this.#sockets) socket.destroy(new Error('the node is stopping'))
    this.#server.close()
  }

  #endStalled(stalledMs: number): void {
    for (const socket of this.#sockets) {
      if (socket.stalledMs < stalledMs) continue
      this.#counters.add('http_stalled_sockets')
      socket.destroy(new Error(`the other side took nothing for ${stalledMs} ms`))
    }
  }

  /** Nobody of ours sends a request before it has the answer to the one before; node:http would answer all, and keep the answers. */
  #isAhead(socket: Socket): boolean {
    if (socket.destroyed || socket.writableLength > UNREAD_BYTES_MAX) return true
    return this.#responses.get(socket)?.writableEnded === false
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#counters.add('http_requests')
    if (this.#isAhead(request.socket)) {
      this.#counters.add('http_cut_off_sockets')
      this.#blame(callerOf(request), 'http', 'ahead')
      request.socket.destroy(new Error('asked for more before it took what it had asked for'))
      return
    }
    this.#responses.set(request.socket, response)
    response.on('error', () => {})
    if (this.#listener === undefined) {
      const error = new RoostError('BUSY', 'this node is still starting')
      response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ error: error.toJSON() }))
      return
    }
    this.#listener(request, response)
  }
}

export interface HttpClientDependencies {
  readonly counters: Counters
  /** A stream for HTTP to an admitted peer; rejects with a `RoostError`. */
  readonly open: (peer: PeerId) => Promise<{ stream: Stream; connection: Connection }>
}

export class HttpClient {
  readonly #dependencies: HttpClientDependencies
  readonly #pools = new Map<PeerId, Pool>()
  #isStopped = false

  constructor(dependencies: HttpClientDependencies) {
    this.#dependencies = dependencies
  }

  /** The web's fetch, to one peer. */
  fetchFrom(peer: PeerId): Fetch {
    return async (input, init) => {
      const request = new Request(input, init)
      const url = new URL(request.url)
      try {
        // Loaded with the first request to a peer, which many nodes never make.
        const undici = await import('undici')
        const response = await undici.fetch(`${ORIGIN}${url.pathname}${url.search}`, {
          method: request.method,
          headers: [...request.headers],
          // A stream of this process's own Request is one of undici's too: both are Node's ReadableStream.
          body: request.body as never,
          ...(request.body !== null && { duplex: 'half' }),
          redirect: 'manual',
          signal: request.signal,
          dispatcher: this.#pool(peer, undici.Pool),
        })
        const { status, statusText } = response
        const headers = new Headers([...response.headers])
        return new Response(response.body as ReadableStream | null, { status, statusText, headers })
      } catch (thrown) {
        this.#dependencies.counters.add('http_failed_requests')
        throw this.#failure(peer, thrown, request.signal)
      }
    }
  }

  get poolsCount(): number {
    return this.#pools.size
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #pool(peer: PeerId, PoolClass: typeof Pool): Pool {
    if (this.#isStopped) throw new RoostError('CANCELLED', 'the node is stopping')
    const known = this.#pools.get(peer)
    this.#pools.delete(peer)
    const pool = known ?? this.#makePool(peer, PoolClass)
    this.#pools.set(peer, pool)
    if (this.#pools.size > POOLS_COUNT_MAX) {
      const [oldest, oldestPool] = this.#pools.entries().next().value!
      this.#pools.delete(oldest)
      void oldestPool.close()
    }
    return pool
  }

  #makePool(peer: PeerId, PoolClass: typeof Pool): Pool {
    const connect = (_options: buildConnector.Options, done: buildConnector.Callback): void => {
      this.#dependencies.open(peer).then(
        ({ stream }) => {
          const socket = new StreamSocket(stream, peer)
          socket.on('error', () => {})
          done(null, socket as unknown as Socket)
        },
        (thrown: Error) => done(thrown, null),
      )
    }
    return new PoolClass(ORIGIN, {
      connect: connect as never,
      connections: SOCKETS_PER_PEER_MAX,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      // Following a job's output may say nothing for hours; a peer that is gone shows on its connection, and callers bring signals.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  #failure(peer: PeerId, thrown: unknown, signal: AbortSignal): RoostError {
    if (signal.aborted)
      return new RoostError('CANCELLED', `the request to ${peer} was given up`, { cause: thrown, certain: false })
    for (let cause = thrown; cause instanceof Error; cause = cause.cause) if (cause instanceof RoostError) return cause
    return new RoostError('CONNECTION_LOST', `the request to ${peer} got no answer`, { cause: thrown, certain: false })
  }
}

/** What node:http's parser cannot read; a request that a broken connection cut short is not that. */
function isNonsense({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE'
}

/** The host means nothing: the pool is the peer. */
const ORIGIN = 'http://peer'
