import { errorFromRecord, RoostError, asRoostError, type PeerId } from '../../overlay/index.ts'
import type { Host } from '../../overlay/contract/index.ts'
import { isJobId, parseJobEvent, type JobEvent, type JobId } from '../protocol/index.ts'
import { boundedJson, boundedText } from './bounded-body.ts'
import { jobListSchema, type JobList, type JobListQuery } from './schemas.ts'

/** Nodes that are asked for one answer. Beyond it the rest is named as not asked. */
export const CONTROLLERS_ASKED_MAX = 64
/** Jobs elsewhere whose controllers are remembered; beyond it the one that was found first is looked up again. */
const FOUND_COUNT_MAX = 1_000
/** How long they have together. */
const ASK_TIMEOUT_MS = 3_000
/** A thousand jobs of some 600 bytes, and room for long names. */
const LIST_BYTES_MAX = 4_194_304
/** Of a job of a thousand units: a few thousand events of some 300 bytes, and what the user signed. */
const LOG_BYTES_MAX = 16_777_216
/** What went wrong, with a hint. */
const ERROR_BYTES_MAX = 65_536
/** How long a log may take to arrive: a controller that stands still would hold its watchers for ever. */
const LOG_TIMEOUT_MS = 15_000

/** How long a job that the directory knows is looked for while nobody controls it: a few elections. */
const TAKEOVER_MS = 6_000
const LOOK_AGAIN_MS = 250

type Reach = Pick<Host, 'self' | 'nodes' | 'directory' | 'peerFetch' | 'surroundings'>

/** Where jobs are controlled, and how to ask there. */
export class Controllers {
  readonly #host: Reach
  /** Controllers that said so themselves. A job stays with its controller, and a look-up takes a dozen requests. */
  readonly #found = new Map<JobId, PeerId>()

  constructor(host: Reach) {
    this.#host = host
  }

  /** Who may control a job with this whole id, beside this node, as the directory has it. */
  async find(jobId: JobId): Promise<readonly PeerId[]> {
    try {
      const { controllers } = await this.#host.directory.findJob(jobId)
      return controllers.filter((controller) => controller !== this.#host.self)
    } catch {
      return []
    }
  }

  /** Who said last that it controls the job. */
  known(jobId: JobId): PeerId | undefined {
    return this.#found.get(jobId)
  }

  /** Its controller is another one now, or away: it is looked up anew. */
  forget(jobId: JobId): void {
    this.#found.delete(jobId)
  }

  /**
   * The job elsewhere whose id begins so, and its controller. A whole id is looked up in the directory; a prefix, and an id
   * that the directory does not know (yet), is asked of the living nodes. One that `isThere` for sure is waited for while nobody controls
   * it. `JOB_NOT_FOUND`, `ID_AMBIGUOUS`.
   */
  async resolve(prefix: string, { isThere = false } = {}): Promise<{ id: JobId; controller: PeerId }> {
    if (isJobId(prefix)) {
      const known = this.#found.get(prefix)
      if (known !== undefined) return { id: prefix, controller: known }
      const controller = await this.#search(prefix, isThere)
      if (controller === undefined) throw new RoostError('JOB_NOT_FOUND', `no node that answers controls job ${prefix}`)
      this.#remember(prefix, controller)
      return { id: prefix, controller }
    }
    const { answers } = await this.list({ all: true }, this.#living())
    const found = new Map<JobId, PeerId>()
    for (const { node, list } of answers)
      for (const job of list.jobs) if (job.id.startsWith(prefix)) found.set(job.id, node)
    const [first, second] = found
    if (first === undefined) throw new RoostError('JOB_NOT_FOUND', `no job has an id that begins with ${prefix}`)
    if (second !== undefined)
      throw new RoostError('ID_AMBIGUOUS', `${found.size} jobs have an id that begins with ${prefix}`, {
        data: { ids: [...found.keys()].slice(0, 10) },
      })
    return { id: first[0], controller: first[1] }
  }

  /** Where the job is known and nobody says that he controls it, somebody is about to take it over. */
  async #search(id: JobId, isThere: boolean): Promise<PeerId | undefined> {
    const { surroundings } = this.#host
    const untilMs = surroundings.nowMs + TAKEOVER_MS
    for (;;) {
      const pointers = await this.find(id)
      // Any member may have put it there: it counts once that node says so too.
      const controller = (await this.#whoControls(id, pointers)) ?? (await this.#whoControls(id, this.#living()))
      const isKnown = isThere || pointers.length > 0
      if (controller !== undefined || !isKnown || surroundings.nowMs > untilMs) return controller
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  /** Nodes that may control jobs of `user`; of whoever it is, every living one. Never this node. */
  async of(user: string | undefined): Promise<readonly PeerId[]> {
    if (user === undefined) return this.#living()
    try {
      const found = await this.#host.directory.findControllers(user, { timeoutMs: ASK_TIMEOUT_MS })
      return found.filter((node) => node !== this.#host.self)
    } catch {
      return this.#living()
    }
  }

  /** The lists of these nodes, and who did not give one. */
  async list(
    query: Partial<JobListQuery>,
    nodes: readonly PeerId[],
  ): Promise<{ answers: { node: PeerId; list: JobList }[]; unreached: { node: PeerId; reason: string }[] }> {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
    const asked = nodes.slice(0, CONTROLLERS_ASKED_MAX)
    const results = await Promise.allSettled(
      asked.map(async (node) => {
        const response = await this.ask(node, `/jobs?${parameters}`, { signal })
        return { node, list: jobListSchema.parse(await boundedJson(response, LIST_BYTES_MAX)) }
      }),
    )
    const unreached = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ node: asked[index]!, reason: asRoostError(result.reason).message }] : [],
    )
    return {
      answers: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
      unreached: [
        ...unreached,
        ...nodes.slice(CONTROLLERS_ASKED_MAX).map((node) => ({ node, reason: 'not asked: too many nodes' })),
      ],
    }
  }

  /** The log of a job from this number on, as its controller has it; `CALL_TIMEOUT` where that takes too long. */
  async events(
    controller: PeerId,
    id: JobId,
    { from, signal }: { readonly from: number; readonly signal: AbortSignal },
  ): Promise<readonly JobEvent[]> {
    const late = AbortSignal.timeout(LOG_TIMEOUT_MS)
    try {
      const path = `/jobs/${id}/events?from=${from}`
      const response = await this.ask(controller, path, { signal: AbortSignal.any([signal, late]) })
      const lines = (await boundedText(response, LOG_BYTES_MAX)).split('\n').filter((line) => line !== '')
      return lines.map((line) => parseJobEvent(JSON.parse(line)))
    } catch (thrown) {
      if (!late.aborted || signal.aborted) throw thrown
      throw new RoostError('CALL_TIMEOUT', `node ${controller} did not give the log of job ${id} in time`, {
        cause: thrown,
        certain: false,
      })
    }
  }

  /** One request to another node's job routes. A failed status is thrown as the error that it carries. */
  async ask(node: PeerId, path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response
    try {
      response = await this.#host.peerFetch(node)(`http://peer/aem${path}`, init)
    } catch (thrown) {
      if (thrown instanceof RoostError) throw thrown
      if (init.signal?.aborted)
        throw new RoostError('CALL_TIMEOUT', `node ${node} did not answer in time`, { cause: thrown })
      throw new RoostError('PEER_UNREACHABLE', `node ${node} cannot be reached`, { cause: thrown })
    }
    if (response.ok) return response
    const body = (await boundedJson(response, ERROR_BYTES_MAX).catch(() => ({}))) as { error?: unknown }
    throw errorFromRecord(body.error)
  }

  #remember(id: JobId, controller: PeerId): void {
    this.#found.set(id, controller)
    if (this.#found.size > FOUND_COUNT_MAX) this.#found.delete(this.#found.keys().next().value!)
  }

  /** Which of these nodes controls a job, as it says itself. */
  async #whoControls(id: JobId, nodes: readonly PeerId[]): Promise<PeerId | undefined> {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
    const asking = nodes.slice(0, CONTROLLERS_ASKED_MAX).map(async (node) => {
      await (await this.ask(node, `/jobs/${id}`, { signal })).body?.cancel()
      return node
    })
    return await Promise.any(asking).catch(() => undefined)
  }

  #living(): readonly PeerId[] {
    return this.#host.nodes
      .list()
      .filter((node) => node.state === 'alive' && node.id !== this.#host.self)
      .map((node) => node.id)
  }
}
