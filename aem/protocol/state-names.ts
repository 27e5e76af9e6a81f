import type { JobState } from './events.ts'

/** How other grids and batch systems call the state of a job. */
export interface StateNames {
  /** gLite Logging and Bookkeeping, status.T; `doneCode` is its `done_code`, which says how what is `Done` went. */
  readonly lb: string
  readonly doneCode?: 'OK' | 'FAILED' | 'CANCELLED'
  /** OGSA Basic Execution Service 1.0 (GFD.108), bes-factory.xsd. */
  readonly bes: string
  /** DRMAA 2 (GFD.231), `drmaa2_jstate`. */
  readonly drmaa2: string
  /** ARC's A-REX, GMJob.cpp. */
  readonly arc: string
  /** CREAM, as status.T of L&B has it. */
  readonly cream: string
}

/**
 * Every state of a job under the names that other systems give it. Where one has no name for what roost tells apart, it is the state that
 * promises the same to who waits: whether the job may still run, whether it does, and how it ended.
 *
 * - L&B's `Ready` is a match that no node has taken yet, `Scheduled` a job that its nodes have taken on. To BES a job is `Running` from
 *   stage-in to stage-out. L&B and BES know no suspension but as a mark on a running job.
 * - L&B's `Aborted` is what the system ended or lost sight of; a program that failed is `Done` all the same, with its `done_code`.
 * - DRMAA2 has two ends, and what did not end well is `FAILED`, whoever ended it.
 */
export const STATE_NAMES: Readonly<Record<JobState, StateNames>> = {
  submitted: { lb: 'Submitted', bes: 'Pending', drmaa2: 'QUEUED', arc: 'ACCEPTED', cream: 'registered' },
  queued: { lb: 'Waiting', bes: 'Pending', drmaa2: 'QUEUED', arc: 'ACCEPTED', cream: 'pending' },
  held: { lb: 'Waiting', bes: 'Pending', drmaa2: 'QUEUED_HELD', arc: 'ACCEPTED', cream: 'held' },
  matched: { lb: 'Ready', bes: 'Pending', drmaa2: 'QUEUED', arc: 'SUBMIT', cream: 'pending' },
  'staging-in': { lb: 'Scheduled', bes: 'Running', drmaa2: 'QUEUED', arc: 'PREPARING', cream: 'idle' },
  running: { lb: 'Running', bes: 'Running', drmaa2: 'RUNNING', arc: 'INLRMS', cream: 'really-running' },
  suspended: { lb: 'Running', bes: 'Running', drmaa2: 'SUSPENDED', arc: 'INLRMS', cream: 'held' },
  'staging-out': { lb: 'Running', bes: 'Running', drmaa2: 'RUNNING', arc: 'FINISHING', cream: 'running' },
  done: { lb: 'Done', doneCode: 'OK', bes: 'Finished', drmaa2: 'DONE', arc: 'FINISHED', cream: 'done-ok' },
  failed: { lb: 'Done', doneCode: 'FAILED', bes: 'Failed', drmaa2: 'FAILED', arc: 'FINISHED', cream: 'done-failed' },
  cancelled: { lb: 'Cancelled', bes: 'Cancelled', drmaa2: 'FAILED', arc: 'FINISHED', cream: 'cancelled' },
  timeout: { lb: 'Aborted', bes: 'Failed', drmaa2: 'FAILED', arc: 'FINISHED', cream: 'aborted' },
  lost: { lb: 'Aborted', bes: 'Failed', drmaa2: 'FAILED', arc: 'FINISHED', cream: 'aborted' },
}

/**
 * States after which nothing more runs, though their systems do not count them as final: L&B and A-REX keep a job open until its output
 * was fetched or forgotten (`Cleared`, `DELETED`), which to roost is no state of the job.
 */
export const ENDED_BUT_KEPT: Readonly<Record<'lb' | 'arc', string>> = { lb: 'Done', arc: 'FINISHED' }
