import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Fetch } from '../../overlay/contract/index.ts'
import { errorFromRecord, RoostError } from '../../overlay/index.ts'

export interface SocketFetchOptions {
  /** Ends the requests that are under way, which then fail with `CANCELLED`; not those that bring a signal of their own. */
  readonly signal: AbortSignal
  /** What to do where no daemon answers. */
  readonly unreachableHint: string
}

/** Bytes of an error's body that are read; what is longer is cut and will not parse. */
const ERROR_BODY_CHARS_MAX = 262_144

/**
 * HTTP over a daemon's Unix socket, whatever the host in the URL. `node:http` and not undici: it is part of Node and there
 * in half the time. A failed status is thrown as the error that it carries; no daemon is `DAEMON_UNREACHABLE`; a connection
 * that breaks is `CONNECTION_LOST`, in the middle of a body too.
 */
export function socketFetch(socketPath: string, options: SocketFetchOptions): Fetch {
  return async (input, init) => {
    const request = new Request(typeof input === 'string' ? new URL(input, 'http://roost') : input, init)
    // Who brings a signal may have something to ask after ctrl-c: that a job be cancelled.
    const signal = init?.signal ?? options.signal
    const incoming = await send(socketPath, request, init?.body, { ...options, signal })
    const response = responseOf(incoming, signal)
    if (response.ok) return response
    throw await errorOf(response)
  }
}

function send(
  socketPath: string,
  request: Request,
  body: unknown,
  options: SocketFetchOptions,
): Promise<IncomingMessage> {
  const { pathname, search } = new URL(request.url)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        socketPath,
        path: pathname + search,
        method: request.method,
        headers: Object.fromEntries(request.headers),
        agent: false,
        signal: options.signal,
      },
      resolve,
    )
    const fail = (cause: Error): void => reject(connectionError(cause, socketPath, options))
    outgoing.on('error', fail)
    // What is whole goes out with its length; the rest as it is read.
    if (typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body)
    else if (request.body) sendBody(request.body, outgoing).catch(fail)
    else outgoing.end()
  })
}

/**
 * Writes a body as fast as it is taken, and reads no more of it when the connection goes. It is not cancelled: undici's stream of a form,
 * which holds nothing but memory, then throws where nobody can catch it.
 */
async function sendBody(body: ReadableStream<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  const reader = body.getReader()
  const gone = new Promise<void>((resolve) => outgoing.once('close', resolve))
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (outgoing.destroyed) return
    if (outgoing.write(value)) continue
    await Promise.race([gone, new Promise<void>((resolve) => outgoing.once('drain', resolve))])
  }
  outgoing.end()
}

function connectionError(cause: Error, socketPath: string, options: SocketFetchOptions): RoostError {
  if (options.signal.aborted) return new RoostError('CANCELLED', 'interrupted', { cause })
  const code = (cause as NodeJS.ErrnoException).code
  const hint = options.unreachableHint
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR')
    return new RoostError('DAEMON_UNREACHABLE', 'no daemon runs here', { cause, hint, data: { socketPath } })
  if (code === 'EACCES')
    return new RoostError('DAEMON_UNREACHABLE', `the daemon's socket ${socketPath} belongs to another user`, {
      cause,
      hint: 'run the command as that user, or a daemon of your own: `roost up`',
    })
  return connectionLost(cause)
}

function connectionLost(cause: unknown): RoostError {
  return new RoostError('CONNECTION_LOST', 'the daemon ended or broke the connection before its answer was complete', {
    cause,
    certain: false,
    hint: '`roost status` shows whether it still runs',
  })
}

/** A body arrives as it is read, no faster. */
function responseOf(incoming: IncomingMessage, signal: AbortSignal): Response {
  const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      } catch (cause) {
        controller.error(signal.aborted ? new RoostError('CANCELLED', 'interrupted', { cause }) : connectionLost(cause))
      }
    },
    cancel() {
      incoming.destroy()
    },
  })
  const status = incoming.statusCode ?? 500
  const headers = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [value].flat().map((one) => [name, one]),
  )
  return new Response(BODILESS.has(status) ? null : body, { status, headers })
}

/** Statuses for which the web's `Response` takes no body. */
const BODILESS = new Set([101, 204, 205, 304])

async function errorOf(response: Response): Promise<RoostError> {
  const text = (await response.text()).slice(0, ERROR_BODY_CHARS_MAX)
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    if (error) return errorFromRecord(error)
  } catch {
    // Not ours: said below.
  }
  return new RoostError('INTERNAL', `the daemon answered ${response.status} without saying why`, { certain: false })
}
