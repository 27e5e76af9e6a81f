import { RoostError } from '../../overlay/error/index.ts'
import { malformed } from '../population/index.ts'
import { readLines } from './lines.ts'
import { readSwf, type SwfHeader, type SwfRecord } from './swf.ts'

/** A job to be scheduled: what its user asked for, and what became known only at its end. Times begin with the first job. */
export interface WorkloadJob {
  readonly id: number
  readonly submitMs: number
  readonly cores: number
  readonly runMs: number
  /** What its user asked for; it never runs longer. */
  readonly limitMs?: number
  /** Of the whole job. */
  readonly memoryBytes: number
  /** Users and jobs without one are each other's; -1. */
  readonly user: number
  /** Jobs of this workload that must have ended, `thinkMs` before. */
  readonly after: readonly number[]
  readonly thinkMs: number
}

export interface Workload {
  readonly header: SwfHeader
  /** In the order of submission. */
  readonly jobs: readonly WorkloadJob[]
  /** Cores of the machine that the log is of; of the widest job where the log does not say. */
  readonly cores: number
  readonly omitted: {
    /** Cancelled before it started, or without a run time or processors. */
    readonly neverRan: number
    /** Beyond `coresMax`, or what the log says the machine has. */
    readonly tooWide: number
    /** Of other users, or outside of the time. */
    readonly unwanted: number
  }
  /** Jobs that the log has running beyond their limit; they are cut there. */
  readonly cutCount: number
}

export interface WorkloadFilter {
  /** The first so many that are not omitted. */
  readonly countMax?: number
  readonly coresMax?: number
  readonly users?: ReadonlySet<number>
  /** Of the log's time. */
  readonly fromMs?: number
  readonly untilMs?: number
  /** Jobs arrive so many times as fast: 2 doubles the load, with the same jobs. */
  readonly loadFactor?: number
}

/** Jobs of one workload: what a simulation keeps in memory. */
export const JOBS_COUNT_MAX = 2_000_000

/** The jobs of a file. `USAGE` with file and line where it is none, has no job that ran, a number twice, or more than `JOBS_COUNT_MAX`. */
export function readWorkload(flag: string, file: string, filter: WorkloadFilter = {}): Workload {
  return workloadOf(readLines(flag, file), file, filter)
}

export function workloadOf(lines: Iterable<string>, file: string, filter: WorkloadFilter = {}): Workload {
  const loadFactor = filter.loadFactor ?? 1
  if (!(loadFactor > 0)) throw new RoostError('USAGE', `a load of ${loadFactor} times is none`)
  const { header, records } = readSwf(lines, file)
  const coresMax = Math.min(filter.coresMax ?? Infinity, header.processorsMax ?? Infinity)
  const omitted = { neverRan: 0, tooWide: 0, unwanted: 0 }
  const seen = new Set<number>()
  const kept = new Map<number, WorkloadJob>()
  let cutCount = 0
  for (const record of records) {
    if (seen.has(record.job)) throw malformed(file, record.line, `there is a job ${record.job} already`)
    if (seen.size === JOBS_COUNT_MAX) throw malformed(file, record.line, `more than ${JOBS_COUNT_MAX} jobs`)
    seen.add(record.job)
    const cores = coresOf(record)
    if (record.runS === undefined || cores === undefined) omitted.neverRan++
    else if (cores > coresMax) omitted.tooWide++
    else if (!isWanted(record, filter)) omitted.unwanted++
    else {
      if (record.runS > limitOf(record)) cutCount++
      kept.set(record.job, jobOf(record, cores, record.runS, kept))
    }
    if (kept.size === filter.countMax) break
  }
  if (kept.size === 0) throw malformed(file, 1, 'there is no job in it that ran and is wanted')
  const jobs = inTime([...kept.values()], loadFactor)
  const widest = jobs.reduce((most, { cores }) => Math.max(most, cores), 1)
  return { header, jobs, cores: filter.coresMax ?? header.processorsMax ?? widest, omitted, cutCount }
}

/** The share of the cores that the jobs would keep busy if they came as they do for ever; above 1 the queue grows. */
export function offeredLoad(jobs: readonly WorkloadJob[], cores: number): number {
  const spanMs = (jobs.at(-1)?.submitMs ?? 0) - (jobs[0]?.submitMs ?? 0)
  const workMs = jobs.reduce((sum, { cores: taken, runMs }) => sum + taken * runMs, 0)
  return spanMs === 0 ? Infinity : workMs / (cores * spanMs)
}

function isWanted({ submitS, user }: SwfRecord, { users, fromMs, untilMs }: WorkloadFilter): boolean {
  const atMs = submitS * 1_000
  return (!users || users.has(user ?? -1)) && atMs >= (fromMs ?? 0) && atMs < (untilMs ?? Infinity)
}

/** What was asked for; what it got where nobody said. A job that asks for none runs on none. */
function coresOf({ askedProcessors, processors }: SwfRecord): number | undefined {
  return askedProcessors || processors || undefined
}

/** A limit of 0 is none. */
function limitOf({ askedS }: SwfRecord): number {
  return askedS || Infinity
}

function jobOf(record: SwfRecord, cores: number, runS: number, known: ReadonlyMap<number, WorkloadJob>): WorkloadJob {
  const limitS = limitOf(record)
  return {
    id: record.job,
    submitMs: record.submitS * 1_000,
    cores,
    runMs: Math.min(runS, limitS) * 1_000,
    ...(limitS === Infinity ? {} : { limitMs: limitS * 1_000 }),
    memoryBytes: (record.askedMemoryKib ?? 0) * 1_024 * cores,
    user: record.user ?? -1,
    // A log may begin after a job that another waits for, and that job may be omitted: neither can be waited for.
    after: record.after.filter((job) => known.has(job)),
    thinkMs: (record.thinkS ?? 0) * 1_000,
  }
}

function inTime(jobs: readonly WorkloadJob[], loadFactor: number): WorkloadJob[] {
  const sorted = jobs.toSorted((one, other) => one.submitMs - other.submitMs || one.id - other.id)
  const firstMs = sorted[0]!.submitMs
  return sorted.map((job) => ({ ...job, submitMs: (job.submitMs - firstMs) / loadFactor }))
}
