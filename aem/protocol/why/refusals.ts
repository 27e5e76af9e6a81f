import { asRoostError, type PeerId } from '../../../overlay/index.ts'
import type { JobId } from '../ids.ts'
import { parseUnitId } from '../ids.ts'
import type { JobReply, JobRequest } from '../messages.ts'

/** Jobs whose refusals are remembered; beyond it those of the job that was refused longest ago are forgotten. */
export const REFUSED_JOBS_MAX = 1_000
/** Nodes that one job remembers; beyond it the first one is forgotten. */
export const REFUSED_NODES_MAX = 100
/** How long a refusal says anything about a node: many attempts to place a job lie within. */
export const REFUSAL_KEPT_MS = 600_000

export interface Refusal {
  readonly reason: string
  /** Monotonic. */
  readonly atMs: number
}

type Ask = (to: PeerId, request: JobRequest) => Promise<JobReply>

/** Which nodes would not take a unit of a job when they were last asked, and why. For people only: nothing is decided by it. */
export class Refusals {
  readonly #nowMs: () => number
  readonly #byJob = new Map<JobId, Map<PeerId, Refusal>>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The same as `ask`, and listens to what is answered. */
  watching(ask: Ask): Ask {
    return async (to, request) => {
      const jobId = jobAskedFor(request)
      if (jobId === undefined) return ask(to, request)
      try {
        const reply = await ask(to, request)
        if (reply.type === 'refused') this.#note(jobId, to, reply.reason)
        else this.#byJob.get(jobId)?.delete(to)
        return reply
      } catch (thrown) {
        const { code, message } = asRoostError(thrown)
        this.#note(jobId, to, `${message} (${code})`)
        throw thrown
      }
    }
  }

  of(jobId: JobId): ReadonlyMap<PeerId, Refusal> {
    const sinceMs = this.#nowMs() - REFUSAL_KEPT_MS
    return new Map([...(this.#byJob.get(jobId) ?? [])].filter(([, { atMs }]) => atMs >= sinceMs))
  }

  #note(jobId: JobId, node: PeerId, reason: string): void {
    const refusals = this.#byJob.get(jobId) ?? new Map<PeerId, Refusal>()
    refusals.delete(node)
    refusals.set(node, { reason, atMs: this.#nowMs() })
    dropFirst(refusals, REFUSED_NODES_MAX)
    this.#byJob.delete(jobId)
    this.#byJob.set(jobId, refusals)
    dropFirst(this.#byJob, REFUSED_JOBS_MAX)
  }
}

/** Only these two may be refused in a way that says something about the node. */
function jobAskedFor(request: JobRequest): JobId | undefined {
  if (request.type === 'confirm') return request.jobId
  return request.type === 'hold' ? parseUnitId(request.unitId)?.jobId : undefined
}

function dropFirst(entries: Map<string, unknown>, countMax: number): void {
  if (entries.size > countMax) entries.delete(entries.keys().next().value!)
}
