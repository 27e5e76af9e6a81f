import { mean, quantile } from '../metrics/index.ts'
import type { Scheduled } from './central.ts'

/** How good a schedule was, whoever made it. */
export interface ScheduleFigures {
  readonly jobs: number
  /** From when a job could have started. */
  readonly waitMs: { readonly mean: number; readonly p50: number; readonly p99: number }
  /** See `boundedSlowdown`. */
  readonly slowdown: { readonly mean: number; readonly p50: number; readonly p99: number }
  /** Busy cores, as a share of all, from the first job's coming to the last one's end. */
  readonly utilisation: number
  readonly makespanMs: number
  /** Jain's index over the mean slowdowns of users: 1 where all fare alike, 1/n where one alone suffers. */
  readonly fairness: number
}

/** Jobs shorter than this count as if they ran so long: who waits a second for a job of a millisecond has not suffered a thousandfold. */
export const SLOWDOWN_BOUND_MS = 10_000

export function measureSchedule(scheduled: readonly Scheduled[], cores: number): ScheduleFigures {
  const waits = scheduled.map(({ readyMs, startMs }) => startMs - readyMs)
  const slowdowns = scheduled.map(boundedSlowdown)
  const firstMs = scheduled.reduce((least, { readyMs }) => Math.min(least, readyMs), Infinity)
  const lastMs = scheduled.reduce((most, { endMs }) => Math.max(most, endMs), 0)
  const makespanMs = scheduled.length === 0 ? 0 : lastMs - firstMs
  const workMs = scheduled.reduce((sum, { job, startMs, endMs }) => sum + job.cores * (endMs - startMs), 0)
  return {
    jobs: scheduled.length,
    waitMs: spread(waits),
    slowdown: spread(slowdowns),
    utilisation: makespanMs === 0 ? 0 : workMs / (cores * makespanMs),
    makespanMs,
    fairness: jain(meansByUser(scheduled, slowdowns)),
  }
}

/** Time from ready to end over run time, where shorter runs count as `SLOWDOWN_BOUND_MS`; at least 1 (Feitelson et al., JSSPP 1997). */
export function boundedSlowdown({ readyMs, startMs, endMs }: Scheduled): number {
  return Math.max(1, (endMs - readyMs) / Math.max(endMs - startMs, SLOWDOWN_BOUND_MS))
}

/** Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination", DEC-TR-301, 1984; 1 for none. */
export function jain(values: readonly number[]): number {
  const squares = values.reduce((sum, value) => sum + value * value, 0)
  const sum = values.reduce((total, value) => total + value, 0)
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares)
}

function meansByUser(scheduled: readonly Scheduled[], slowdowns: readonly number[]): number[] {
  const byUser = new Map<number, number[]>()
  for (const [index, { job }] of scheduled.entries()) {
    const own = byUser.get(job.user) ?? []
    own.push(slowdowns[index]!)
    byUser.set(job.user, own)
  }
  return Array.from(byUser.values(), mean)
}

function spread(values: readonly number[]): { mean: number; p50: number; p99: number } {
  return { mean: mean(values), p50: quantile(values, 0.5), p99: quantile(values, 0.99) }
}
