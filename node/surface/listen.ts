import { timingSafeEqual } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Caller, Log } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import { errorResponse } from './error-response.ts'
import type { Surface } from './surface.ts'

export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void

/** The surface as a `node:http` listener. `admit` says who sends a request, or throws. */
export function nodeListener(surface: Surface, admit: (request: IncomingMessage) => Caller, log: Log): NodeListener {
  const listener = getRequestListener(async (request, { incoming }) => {
    try {
      return await surface(request, admit(incoming as IncomingMessage))
    } catch (error) {
      return errorResponse(error, log)
    }
  })
  return (request, response) => {
    // A client that goes away in the middle is its own affair.
    response.on('error', () => {})
    listener(request, response).catch((error: unknown) => log.error({ error }, 'request ended badly'))
  }
}

/** Serves on a Unix socket that only this user can open. A socket left by a daemon that died is replaced. */
export async function listenOnSocket(path: string, listener: NodeListener): Promise<Server> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new RoostError('DIRECTORY_UNWRITABLE', `the path of the socket is too long for the system: ${path}`, {
      hint: `choose a data directory with a path of less than ${SOCKET_PATH_BYTES_MAX - 11} bytes`,
    })
  if (await answers(path)) throw new RoostError('DAEMON_RUNNING', `another daemon answers on ${path}`)
  await rm(path, { force: true }).catch((cause: NodeJS.ErrnoException) => {
    throw listenError(cause, { path })
  })
  const server = createServer(SERVER_OPTIONS, listener)
  // Between bind and chmod the socket has the mode that the umask leaves; it is bound before `listening` first waits.
  const umask = process.umask(0o177)
  const bound = listening(server, { path })
  process.umask(umask)
  await bound
  await chmod(path, 0o600)
  return server
}

/** Serves on loopback. Returns the server and its URL. */
export async function listenOnLoopback(port: number, listener: NodeListener): Promise<{ server: Server; url: string }> {
  const server = createServer(SERVER_OPTIONS, listener)
  server.maxConnections = LOOPBACK_CONNECTIONS_COUNT_MAX
  await listening(server, { host: '127.0.0.1', port })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Stops listening, and ends what is open after a moment for what is under way. */
export async function closeServer(server: Server): Promise<void> {
  // Nobody new finds a socket whose name is gone; who found it before is taken, and answered, before it closes.
  const address = server.address()
  if (typeof address === 'string') {
    await rm(address, { force: true })
    await new Promise((resolve) => setTimeout(resolve, BACKLOG_MS))
  }
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await closed
  clearTimeout(timer)
}

/** Lets in who shows the token (RFC 6750), compared in constant time. */
export function bearerCaller(token: string): (request: IncomingMessage) => Caller {
  const expected = Buffer.from(`Bearer ${token}`)
  return (request) => {
    const given = Buffer.from(request.headers.authorization ?? '')
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new RoostError('DENIED', 'the bearer token is missing or wrong', {
        hint: 'send `Authorization: Bearer TOKEN` with the token in `api.token` of the data directory',
      })
    return { via: 'loopback' }
  }
}

async function listening(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, where)))
    server.listen(where, resolve)
  })
}

function listenError(
  cause: NodeJS.ErrnoException,
  where: { path: string } | { host: string; port: number },
): RoostError {
  if ('port' in where && cause.code === 'EADDRINUSE')
    return new RoostError('PORT_TAKEN', `port ${where.port} on ${where.host} is taken`, {
      cause,
      hint: 'choose another port for the HTTP surface: `api-port` in the configuration; 0 takes any free one',
    })
  if ('path' in where)
    return new RoostError('DIRECTORY_UNWRITABLE', `the socket ${where.path} cannot be made: ${cause.message}`, {
      cause,
    })
  return new RoostError('ADDRESS_UNAVAILABLE', `cannot listen on ${where.host}: ${cause.message}`, { cause })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** The size of `sun_path` on Linux is 108, on macOS 104, with the closing zero. */
export const SOCKET_PATH_BYTES_MAX = 103

/**
 * Connections to the loopback port at once, which every user of this machine can open; the next one is closed at once. The
 * socket is its owner's alone and has no bound but the process's own.
 */
export const LOOPBACK_CONNECTIONS_COUNT_MAX = 1_024

/** How long the head of a request, and the whole of it, may take: who says nothing, or a letter at a time, is cut off. */
const SERVER_OPTIONS = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 2_000 } as const

/**
 * Within this a process that is not stopped takes the connections that the system has already made for it, and who made them has said what
 * it wants, on a busy machine too: a connection that nothing came over yet is closed as an idle one.
 */
const BACKLOG_MS = 400

/** How long requests under way may go on when the daemon ends. */
const DRAIN_MS = 1_000
