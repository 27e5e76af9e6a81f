import { shape, type PeerId, type Plain } from '../../overlay/index.ts'
import type { JobId } from './ids.ts'
import type { UnitExit } from './launcher.ts'
import {
  attemptNumber,
  eventNumber,
  jobId,
  REASON_CHARS_MAX,
  statement,
  unitExit,
  unitIndex,
  wallMs,
  NODES_MAX,
} from './shapes.ts'

/**
 * A job is its log. Everything that ever happened to it is an event, numbered from 1 without gaps, on the disk of its controller before
 * anything is done about it; the state is derived (`job-view.ts`). Who watches reads the same log from a cursor.
 *
 * One attempt to place a job is `matched` (nodes chosen and held; each is now asked to confirm), then either `placed` (all have confirmed:
 * it starts whole, come what may) or `queued` again (not all have: every one is told to let go). A crash between the two is a `queued`.
 */
export type JobEvent = JobHappening & {
  /** From 1, no gaps. */
  readonly number: number
  /** Unix time in milliseconds as the controller's clock said; for people only. */
  readonly atMs: number
}

/** What an event says, before it has its number. */
export type JobHappening =
  /** The job is accepted. `body` is what the user signed, `statement` the signed whole: what nodes ask to see, and nobody else does. */
  | {
      readonly type: 'submitted'
      readonly jobId: JobId
      readonly owner: string
      readonly controller: PeerId
      readonly body: Plain
      readonly statement?: NonNullable<Plain>
    }
  /** It waits for nodes. Ends the attempt that was under way, if one was. */
  | { readonly type: 'queued'; readonly reason: string }
  /** `nodes` is the node of each unit, by index. */
  | { readonly type: 'matched'; readonly attempt: number; readonly nodes: readonly PeerId[] }
  | { readonly type: 'placed'; readonly attempt: number }
  | { readonly type: 'unit-started'; readonly unit: number; readonly node: PeerId; readonly attempt: number }
  | {
      readonly type: 'unit-exited'
      readonly unit: number
      readonly node: PeerId
      readonly attempt: number
      readonly exit: UnitExit
    }
  /** Nobody knows what became of it: its node is gone, or has no record of it. */
  | {
      readonly type: 'unit-lost'
      readonly unit: number
      readonly node: PeerId
      readonly attempt: number
      readonly reason: string
    }
  /** A lost unit whose node came back with it while the job still went on. */
  | {
      readonly type: 'unit-found'
      readonly unit: number
      readonly node: PeerId
      readonly attempt: number
      readonly reason: string
    }
  /** From here on the job only winds down. `by` is the user's key id. */
  | { readonly type: 'cancelling'; readonly by: string; readonly reason: string }
  /** The last event of every job. */
  | { readonly type: 'ended'; readonly state: FinalState; readonly exitCode: number; readonly reason: string }

export const FINAL_STATES = ['done', 'failed', 'cancelled', 'timeout', 'lost'] as const
export type FinalState = (typeof FINAL_STATES)[number]

/** Of these, `held`, `suspended` and `staging-out` are names that no job of this version reaches. */
export const JOB_STATES = [
  'submitted',
  'queued',
  'held',
  'matched',
  'staging-in',
  'running',
  'suspended',
  'staging-out',
  ...FINAL_STATES,
] as const
export type JobState = (typeof JOB_STATES)[number]

export function isFinal(state: JobState): state is FinalState {
  return (FINAL_STATES as readonly string[]).includes(state)
}

const reason = shape.text(REASON_CHARS_MAX)
const base = { number: eventNumber, atMs: wallMs }
const ofUnit = { ...base, unit: unitIndex, node: shape.peerId, attempt: attemptNumber }

const jobEvent = shape.union({
  submitted: shape.record({
    ...base,
    jobId,
    owner: shape.peerId,
    controller: shape.peerId,
    body: statement,
    statement: shape.optional(statement),
  }),
  queued: shape.record({ ...base, reason }),
  matched: shape.record({ ...base, attempt: attemptNumber, nodes: shape.list(shape.peerId, NODES_MAX) }),
  placed: shape.record({ ...base, attempt: attemptNumber }),
  'unit-started': shape.record(ofUnit),
  'unit-exited': shape.record({ ...ofUnit, exit: unitExit }),
  'unit-lost': shape.record({ ...ofUnit, reason }),
  'unit-found': shape.record({ ...ofUnit, reason }),
  cancelling: shape.record({ ...base, by: shape.peerId, reason }),
  ended: shape.record({ ...base, state: shape.oneOf(...FINAL_STATES), exitCode: shape.integer(0, 255), reason }),
})

/** The only way in for an event from a peer or a disk: the event, or `MESSAGE_MALFORMED`. */
export function parseJobEvent(value: unknown): JobEvent {
  return jobEvent(value, 'event') as JobEvent
}

/**
 * The event as anybody may see it, and as JSON can carry it: without the signed statement, and without what was signed, the job's
 * description, in whose place an empty table stands.
 */
export function publicEvent(event: JobEvent): JobEvent {
  if (event.type !== 'submitted') return event
  const { statement: _statement, ...told } = event
  return { ...told, body: {} }
}
