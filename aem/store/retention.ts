/** How long what has ended is kept, on each node: the fewer of both bounds. What still runs is never touched. */
export interface Retention {
  readonly countMax: number
  readonly ageMaxMs: number
}

export const JOB_RETENTION: Retention = { countMax: 1_000, ageMaxMs: 30 * 24 * 3_600_000 }

export interface Ended<Id> {
  readonly id: Id
  /** Unix time in milliseconds. */
  readonly endedAtMs: number
}

/** Those to forget now, oldest first: all beyond the age, and of the rest the oldest beyond the count. */
export function expired<Id>(ended: readonly Ended<Id>[], retention: Retention, nowMs: number): readonly Id[] {
  const oldestFirst = ended.toSorted((one, other) => one.endedAtMs - other.endedAtMs)
  const excessCount = oldestFirst.length - retention.countMax
  return oldestFirst
    .filter(({ endedAtMs }, index) => index < excessCount || nowMs - endedAtMs > retention.ageMaxMs)
    .map(({ id }) => id)
}
