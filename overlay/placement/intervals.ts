import { compareBounds, compareOrdered, type Bound, type Ordered } from './ordered.ts'

/** All values from `low` to below `high`. Never empty. */
export interface Interval {
  readonly low: Ordered
  readonly high: Bound
}

/** A set of values: intervals in ascending order that neither overlap nor touch. */
export type Intervals = readonly Interval[]

/** Intervals of one set; of more the last ones become one, which takes in more values and leaves none out. */
export const INTERVAL_COUNT_MAX = 128

/** What is in any of these; empty ones among them count for nothing. */
export function unite(intervals: Intervals): Intervals {
  const united: { low: Ordered; high: Bound }[] = []
  for (const { low, high } of intervals.toSorted((one, other) => compareOrdered(one.low, other.low))) {
    if (compareBounds(low, high) >= 0) continue
    const last = united.at(-1)
    if (last !== undefined && (united.length === INTERVAL_COUNT_MAX || compareBounds(low, last.high) <= 0))
      last.high = compareBounds(last.high, high) < 0 ? high : last.high
    else united.push({ low, high })
  }
  return united
}

/** What is in both. */
export function intersect(ours: Intervals, theirs: Intervals): Intervals {
  const common: Interval[] = []
  for (const one of ours)
    for (const other of theirs) {
      const low = compareOrdered(one.low, other.low) > 0 ? one.low : other.low
      const high = compareBounds(one.high, other.high) < 0 ? one.high : other.high
      if (compareBounds(low, high) < 0) common.push({ low, high })
    }
  return unite(common)
}

export function includes(intervals: Intervals, value: Ordered): boolean {
  return intervals.some(({ low, high }) => compareOrdered(low, value) <= 0 && compareBounds(value, high) < 0)
}

/** How a set lies to all values from `low` to below `high`. */
export function coverOf(intervals: Intervals, low: Ordered, high: Bound): 'none' | 'some' | 'all' {
  for (const interval of intervals) {
    if (compareBounds(interval.low, high) >= 0 || compareBounds(low, interval.high) >= 0) continue
    const isWhole = compareOrdered(interval.low, low) <= 0 && compareBounds(high, interval.high) <= 0
    return isWhole ? 'all' : 'some'
  }
  return 'none'
}

export function equalIntervals(ours: Intervals, theirs: Intervals): boolean {
  return (
    ours.length === theirs.length &&
    ours.every(
      ({ low, high }, index) =>
        compareOrdered(low, theirs[index]!.low) === 0 && compareBounds(high, theirs[index]!.high) === 0,
    )
  )
}
