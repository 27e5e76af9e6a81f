import type { IncomingMessage, ServerResponse } from 'node:http'
import { RoostError } from '../../overlay/index.ts'
import { httpStatus, type NodeListener } from '../surface/index.ts'

/** What anybody may still ask of a daemon that is about to end, beside reading. */
const LAST_PATHS: readonly string[] = ['/shutdown', '/leave']

/** Of a request that is refused so much is read, and thrown away. */
const REFUSED_BYTES_MAX = 16_777_216

/**
 * What is asked of this daemon by all of its ways in: how much is under way, and whether anything new is taken. Once closed, reading is
 * still answered and all else refused with `NODE_LEAVING`, which is certain: who asked may ask another node.
 */
export class Intake {
  readonly #idleListeners = new Set<() => void>()
  #underWayCount = 0
  #isClosed = false

  /** Requests under way, but for those that follow something: they end with the daemon, and go on elsewhere from where they were. */
  get underWayCount(): number {
    return this.#underWayCount
  }

  guard(listener: NodeListener): NodeListener {
    return (request, response) => {
      if (this.#isClosed && !mayStillCome(request)) return refuse(request, response)
      if (!isFollowing(request)) {
        this.#underWayCount++
        response.once('close', () => this.#ended())
      }
      listener(request, response)
    }
  }

  close(): void {
    this.#isClosed = true
  }

  /** Resolves once nothing is under way, or after the time. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#underWayCount === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    this.#idleListeners.add(resolve)
    await promise
    clearTimeout(timer)
    this.#idleListeners.delete(resolve)
  }

  #ended(): void {
    this.#underWayCount--
    if (this.#underWayCount === 0) for (const tell of this.#idleListeners) tell()
  }
}

function mayStillCome({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD' || LAST_PATHS.includes(url)
}

function isFollowing({ url = '' }: IncomingMessage): boolean {
  return new URLSearchParams(url.split('?')[1]).get('follow') === 'true'
}

/** Who is still sending when the connection closes never reads the answer: it is given once all that is asked has come. */
function refuse(request: IncomingMessage, response: ServerResponse): void {
  const error = new RoostError('NODE_LEAVING', 'this node is going down')
  response.on('error', () => {})
  const answer = (): void => {
    if (response.headersSent) return
    response
      .writeHead(httpStatus(error.code), { 'content-type': 'application/json', connection: 'close' })
      .end(JSON.stringify({ error: error.toJSON() }))
  }
  let leftBytes = REFUSED_BYTES_MAX
  request
    .on('error', () => {})
    .on('end', answer)
    .on('data', (chunk: Uint8Array) => {
      leftBytes -= chunk.length
      if (leftBytes < 0) answer()
    })
}
