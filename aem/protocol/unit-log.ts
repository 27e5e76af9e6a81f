import { shape, type PeerId, type Plain } from '../../overlay/index.ts'
import { HOLDERS_COUNT_MAX } from './mandate.ts'
import type { JobId } from './ids.ts'
import type { UnitExit, UnitOrder } from './launcher.ts'
import { unitOrder } from './order-shape.ts'
import {
  eventNumber,
  jobId,
  NODES_MAX,
  REASON_CHARS_MAX,
  statement,
  unitExit,
  unitIndex,
  attemptNumber,
  wallMs,
} from './shapes.ts'

/**
 * What a node knows of a unit is a numbered log too, on its disk before it acts: `confirmed` (its cores are promised until the controller
 * says start or let go), `starting` (from here on it counts as run), then how it ended. The controller reads it from its cursor.
 */
export type UnitEvent = UnitHappening & {
  /** From 1, no gaps. */
  readonly number: number
  /** Unix time in milliseconds as the node's clock said; for people only. */
  readonly atMs: number
}

export type UnitHappening =
  | { readonly type: 'confirmed'; readonly order: UnitOrder }
  /** It will be started, or was: a restart in between never starts it twice. */
  | { readonly type: 'starting' }
  /** Its process runs. */
  | { readonly type: 'started' }
  /** It is to end: its process is told so, if there is one. */
  | { readonly type: 'stopping'; readonly reason: string }
  /** The end of a unit that was started. */
  | { readonly type: 'exited'; readonly exit: UnitExit }
  /** The end of a unit that was never started. */
  | { readonly type: 'released'; readonly reason: string }
  /** The controller has its end on disk: nothing is left to be told. */
  | { readonly type: 'settled' }

/** One unit as its controller gives it to a node; with the statement, all that an order is made of. */
export interface Assignment {
  readonly jobId: JobId
  readonly attempt: number
  readonly index: number
  /** The node of each unit, by index. */
  readonly peers: readonly PeerId[]
  /** The home: who controls its jobs places it. */
  readonly controller: PeerId
  /** Others who may control it later. */
  readonly holders?: readonly PeerId[]
  /** What the user signed. */
  readonly statement: NonNullable<Plain>
}

export const assignmentFields = {
  jobId,
  attempt: attemptNumber,
  index: unitIndex,
  peers: shape.list(shape.peerId, NODES_MAX),
  controller: shape.peerId,
  holders: shape.optional(shape.list(shape.peerId, HOLDERS_COUNT_MAX)),
  statement,
} as const

const reason = shape.text(REASON_CHARS_MAX)
const base = { number: eventNumber, atMs: wallMs }

/** What comes after the confirmation: the same on a disk and in a message. */
export const laterUnitEvents = {
  starting: shape.record(base),
  started: shape.record(base),
  stopping: shape.record({ ...base, reason }),
  exited: shape.record({ ...base, exit: unitExit }),
  released: shape.record({ ...base, reason }),
  settled: shape.record(base),
} as const

const unitEvent = shape.union({ confirmed: shape.record({ ...base, order: unitOrder }), ...laterUnitEvents })

/** The only way in for a unit's event from a peer or a disk: the event, or `MESSAGE_MALFORMED`. */
export function parseUnitEvent(value: unknown): UnitEvent {
  return unitEvent(value, 'event') as UnitEvent
}

export type UnitPhase = 'confirmed' | 'starting' | 'running' | 'exited' | 'released'

/** What a unit's log says so far. */
export interface UnitStatus {
  readonly phase: UnitPhase
  readonly order: UnitOrder
  readonly lastNumber: number
  /** Why it was told to end, where it was. */
  readonly stopping?: string
  readonly exit?: UnitExit
  /** Whether its controller knows its end. */
  readonly isSettled: boolean
}

/** The status after one more event; events arrive in order. */
export function applyUnitEvent(status: UnitStatus | undefined, event: UnitEvent): UnitStatus {
  if (event.type === 'confirmed')
    return { phase: 'confirmed', order: event.order, lastNumber: event.number, isSettled: false }
  const before = { ...status!, lastNumber: event.number }
  switch (event.type) {
    case 'starting':
      return { ...before, phase: 'starting' }
    case 'started':
      return { ...before, phase: 'running' }
    case 'stopping':
      return { ...before, stopping: event.reason }
    case 'exited':
      return { ...before, phase: 'exited', exit: event.exit }
    case 'released':
      return { ...before, phase: 'released' }
    case 'settled':
      return { ...before, isSettled: true }
  }
}

export function hasEnded(status: UnitStatus): boolean {
  return status.phase === 'exited' || status.phase === 'released'
}
