import { RoostError } from '../../overlay/error/index.ts'
import { Heap } from '../../aem/protocol/scheduling/heap.ts'
import type { WorkloadJob } from './workload.ts'

/**
 * What one scheduler that knows everything would make of a workload, on one machine of so many cores: the baselines that a grid is held
 * against. `fcfs` starts jobs strictly in the order in which they became ready. `easy` lets those past the first that either end by the
 * moment when it will have its cores, or take cores that it leaves over (Lifka, JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001).
 *
 * Schedulers know limits, not run times. A job without a limit is expected to run for ever: it passes only on what is left over, and
 * behind it nobody knows when the first will start, so that then nobody passes on time. Nothing takes time but the jobs. Memory
 * does not count: logs seldom have it.
 */
export type Policy = 'fcfs' | 'easy'

export const POLICIES: readonly Policy[] = ['fcfs', 'easy']

export interface Scheduled {
  readonly job: WorkloadJob
  /** When it was submitted, and all that it comes after had ended. */
  readonly readyMs: number
  readonly startMs: number
  readonly endMs: number
}

/** Every job, in the order of their starts. `USAGE` where one needs more cores than there are, or jobs wait for each other. */
export function scheduleCentrally(jobs: readonly WorkloadJob[], cores: number, policy: Policy): Scheduled[] {
  const wide = jobs.find((job) => job.cores > cores)
  if (wide) throw new RoostError('USAGE', `job ${wide.id} needs ${wide.cores} cores, the machine has ${cores}`)
  const machine = new Machine(cores, policy)
  const arrivals = new Arrivals(jobs)
  const scheduled: Scheduled[] = []
  for (;;) {
    const nowMs = Math.min(arrivals.nextMs, machine.nextEndMs)
    if (nowMs === Infinity) break
    for (const ended of machine.endAt(nowMs)) arrivals.noteEnd(ended.job, nowMs)
    for (const job of arrivals.takeAt(nowMs)) machine.queue(job, nowMs)
    scheduled.push(...machine.start(nowMs))
  }
  if (scheduled.length < jobs.length) throw new RoostError('USAGE', 'jobs wait for each other')
  return scheduled
}

/** When jobs become ready: at their submission, or when the last that they come after has ended and their user has thought about it. */
class Arrivals {
  readonly #ready = new Heap<{ readonly job: WorkloadJob; readonly atMs: number }>(
    (one, other) => one.atMs - other.atMs || one.job.id - other.job.id,
  )
  readonly #followers = new Map<number, WorkloadJob[]>()
  /** How many a job still waits for. */
  readonly #missing = new Map<number, number>()

  constructor(jobs: readonly WorkloadJob[]) {
    for (const job of jobs) {
      const before = new Set(job.after)
      this.#missing.set(job.id, before.size)
      for (const id of before) this.#followers.set(id, [...(this.#followers.get(id) ?? []), job])
      if (before.size === 0) this.#ready.push({ job, atMs: job.submitMs })
    }
  }

  get nextMs(): number {
    return this.#ready.first?.atMs ?? Infinity
  }

  *takeAt(nowMs: number): Generator<WorkloadJob> {
    while (this.nextMs <= nowMs) yield this.#ready.pop()!.job
  }

  noteEnd(ended: WorkloadJob, nowMs: number): void {
    for (const job of this.#followers.get(ended.id) ?? []) {
      const missing = this.#missing.get(job.id)! - 1
      this.#missing.set(job.id, missing)
      if (missing === 0) this.#ready.push({ job, atMs: Math.max(job.submitMs, nowMs + job.thinkMs) })
    }
  }
}

interface Waiting {
  readonly job: WorkloadJob
  readonly readyMs: number
}

class Machine {
  readonly #policy: Policy
  #free: number
  #waiting: Waiting[] = []
  readonly #running = new Set<Scheduled>()
  readonly #ends = new Heap<Scheduled>((one, other) => one.endMs - other.endMs || one.job.id - other.job.id)

  constructor(cores: number, policy: Policy) {
    this.#free = cores
    this.#policy = policy
  }

  get nextEndMs(): number {
    return this.#ends.first?.endMs ?? Infinity
  }

  queue(job: WorkloadJob, readyMs: number): void {
    this.#waiting.push({ job, readyMs })
  }

  *endAt(nowMs: number): Generator<Scheduled> {
    while (this.nextEndMs <= nowMs) {
      const ended = this.#ends.pop()!
      this.#running.delete(ended)
      this.#free += ended.job.cores
      yield ended
    }
  }

  start(nowMs: number): Scheduled[] {
    const started: Scheduled[] = []
    let count = 0
    for (; count < this.#waiting.length && this.#waiting[count]!.job.cores <= this.#free; count++)
      started.push(this.#run(this.#waiting[count]!, nowMs))
    this.#waiting.splice(0, count)
    if (this.#policy === 'easy' && this.#free > 0 && this.#waiting.length > 1) started.push(...this.#backfill(nowMs))
    return started
  }

  #backfill(nowMs: number): Scheduled[] {
    const head = this.#waiting[0]!
    let { fromMs, spare } = this.#reserve(head.job.cores)
    const started: Scheduled[] = []
    this.#waiting = this.#waiting.filter((waiting) => {
      const { job } = waiting
      if (waiting === head || job.cores > this.#free) return true
      const isOutByThen = fromMs < Infinity && nowMs + (job.limitMs ?? Infinity) <= fromMs
      if (!isOutByThen && job.cores > spare) return true
      if (!isOutByThen) spare -= job.cores
      started.push(this.#run(waiting, nowMs))
      return false
    })
    return started
  }

  /** From when there will be so many cores, if limits are all that is known, and how many more than these. */
  #reserve(cores: number): { fromMs: number; spare: number } {
    const ends = Array.from(this.#running, ({ job, startMs }) => ({
      atMs: startMs + (job.limitMs ?? Infinity),
      cores: job.cores,
    })).sort((one, other) => (one.atMs === other.atMs ? 0 : one.atMs - other.atMs))
    let free = this.#free
    let fromMs = 0
    for (const end of ends) {
      if (free >= cores && end.atMs > fromMs) break
      free += end.cores
      fromMs = end.atMs
    }
    return { fromMs, spare: free - cores }
  }

  #run({ job, readyMs }: Waiting, startMs: number): Scheduled {
    const scheduled = { job, readyMs, startMs, endMs: startMs + job.runMs }
    this.#free -= job.cores
    this.#running.add(scheduled)
    this.#ends.push(scheduled)
    return scheduled
  }
}
