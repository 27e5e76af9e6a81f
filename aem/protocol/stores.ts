import type { PeerId } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import type { Governor } from './governors.ts'
import type { JobId, UnitId } from './ids.ts'
import type { UnitEvent } from './unit-log.ts'

/** The seam to the acting side: what keeps logs on a disk. */

/**
 * Numbered logs by job. An append is on disk, whole, before it resolves. One that rejects may or may not have landed: the event that is
 * appended next under the same number then takes its place.
 */
export interface JobStore {
  append(jobId: JobId, events: readonly JobEvent[]): Promise<void>
  /** Every event from this number on, in order; none where the job is unknown. */
  read(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]>
  list(): Promise<readonly JobId[]>
  /** The log and everything kept with it. */
  remove(jobId: JobId): Promise<void>
}

/** Who controls the jobs of each home; one entry a home, on disk when `put` resolves. */
export interface GovernorStore {
  put(governor: Governor): Promise<void>
  list(): Promise<readonly Governor[]>
  remove(home: PeerId): Promise<void>
}

/** Numbered logs by unit, with the same promises. */
export interface UnitStore {
  append(unitId: UnitId, events: readonly UnitEvent[]): Promise<void>
  read(unitId: UnitId, fromNumber: number): Promise<readonly UnitEvent[]>
  list(): Promise<readonly UnitId[]>
  remove(unitId: UnitId): Promise<void>
}
