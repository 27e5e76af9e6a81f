import type { PeerId } from '../../overlay/index.ts'
import type { JobDescription } from './description.ts'
import type { JobEvent, JobState } from './events.ts'
import { unitIdOf, type JobId, type UnitId } from './ids.ts'
import type { InputFile, UnitExit } from './launcher.ts'
import { describeExit } from './exit-words.ts'
import { readSubmission } from './submission.ts'

/** A job as its log tells it. Times are Unix milliseconds by the controller's clock. */
export interface JobView {
  readonly id: JobId
  /** The user's key id. */
  readonly owner: string
  readonly controller: PeerId
  readonly description: JobDescription
  readonly inputs: readonly InputFile[]
  readonly state: JobState
  /** Why it stands there, in words. */
  readonly reason: string
  /** By index. */
  readonly units: readonly UnitView[]
  /** The newest attempt to place it, from 1; 0 before the first. */
  readonly attempt: number
  /** How far that attempt is: `matched` asks its nodes to confirm, `placed` starts whole. */
  readonly placement: 'none' | 'matched' | 'placed'
  readonly cancelling?: { readonly by: string; readonly reason: string }
  readonly submittedAtMs: number
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  /** Stands when the state is final. */
  readonly exitCode?: number
  /** The number of the last event in here. */
  readonly lastNumber: number
}

/** `waiting` for nodes, `starting` on one that has confirmed, `running`, `exited` in whatever way, or `lost`. */
export type UnitState = 'waiting' | 'starting' | 'running' | 'exited' | 'lost'

export interface UnitView {
  readonly index: number
  readonly state: UnitState
  /** Why it stands there, in words. */
  readonly reason: string
  readonly node?: PeerId
  /** The attempt that gave it this node, and its name there. */
  readonly attempt?: number
  readonly unitId?: UnitId
  readonly exit?: UnitExit
  readonly startedAtMs?: number
  readonly endedAtMs?: number
}

/** The view of a log from its first event on; undefined of an empty one. */
export function viewOf(events: readonly JobEvent[]): JobView | undefined {
  let view: JobView | undefined
  for (const event of events) view = applyEvent(view, event)
  return view
}

/** The view after one more event. Events come in order, `submitted` first: only a log's keeper and a feed apply them. */
export function applyEvent(view: JobView | undefined, event: JobEvent): JobView {
  if (event.type === 'submitted') return firstView(event)
  if (view === undefined) throw new TypeError('a job begins with its submission')
  const next = { ...view, lastNumber: event.number }
  switch (event.type) {
    case 'queued':
      return { ...next, state: 'queued', reason: event.reason, placement: 'none', units: view.units.map(unplaced) }
    case 'matched':
      return {
        ...next,
        state: 'matched',
        reason: `asking ${nodeCount(event.nodes.length)} to confirm`,
        attempt: event.attempt,
        placement: 'matched',
        units: view.units.map((unit, index) => matchedUnit(view.id, unit, event.attempt, event.nodes[index]!)),
      }
    case 'placed':
      return {
        ...next,
        state: view.inputs.length > 0 ? 'staging-in' : 'matched',
        reason: `starting on ${nodeCount(view.units.length)}`,
        placement: 'placed',
        units: view.units.map((unit) => ({ ...unit, state: 'starting', reason: 'its node has confirmed' })),
      }
    case 'unit-started':
      return withUnit(
        { ...next, startedAtMs: view.startedAtMs ?? event.atMs },
        { ...view.units[event.unit]!, state: 'running', reason: 'its process runs', startedAtMs: event.atMs },
      )
    case 'unit-exited':
      return withUnit(next, {
        ...view.units[event.unit]!,
        state: 'exited',
        reason: describeExit(event.exit),
        exit: event.exit,
        endedAtMs: event.atMs,
      })
    case 'unit-lost':
      return withUnit(next, {
        ...view.units[event.unit]!,
        state: 'lost',
        reason: event.reason,
        endedAtMs: event.atMs,
      })
    case 'unit-found': {
      const { endedAtMs: _endedAtMs, ...unit } = view.units[event.unit]!
      return withUnit(next, {
        ...unit,
        state: unit.startedAtMs === undefined ? 'starting' : 'running',
        reason: event.reason,
      })
    }
    case 'cancelling':
      return {
        ...next,
        reason: `being cancelled: ${event.reason}`,
        cancelling: { by: event.by, reason: event.reason },
      }
    case 'ended':
      return { ...next, state: event.state, reason: event.reason, exitCode: event.exitCode, endedAtMs: event.atMs }
  }
}

/** Whether nothing of the job can happen any more at any node that counts. */
export function isUnitOver(unit: UnitView): boolean {
  return unit.state === 'exited' || unit.state === 'lost'
}

function firstView(event: JobEvent & { type: 'submitted' }): JobView {
  const { description, inputs } = readSubmission(event.body)
  return {
    id: event.jobId,
    owner: event.owner,
    controller: event.controller,
    description,
    inputs,
    state: 'submitted',
    reason: 'accepted; looking for nodes',
    units: Array.from({ length: description.nodes }, (_, index) => unplaced({ index, state: 'waiting', reason: '' })),
    attempt: 0,
    placement: 'none',
    submittedAtMs: event.atMs,
    lastNumber: event.number,
  }
}

function unplaced(unit: UnitView): UnitView {
  return { index: unit.index, state: 'waiting', reason: 'has no node yet' }
}

function matchedUnit(jobId: JobId, unit: UnitView, attempt: number, node: PeerId): UnitView {
  const unitId = unitIdOf(jobId, attempt, unit.index)
  return { index: unit.index, state: 'waiting', reason: 'its node is asked to confirm', node, attempt, unitId }
}

function withUnit(view: JobView, unit: UnitView): JobView {
  const units = view.units.with(unit.index, unit)
  const state: JobState = units.every((other) => other.state === 'starting') ? view.state : 'running'
  const reason = view.cancelling ? view.reason : progressOf(units)
  return { ...view, state, reason, units }
}

function progressOf(units: readonly UnitView[]): string {
  const count = (state: UnitState): number => units.filter((unit) => unit.state === state).length
  const counts = (['starting', 'running', 'exited', 'lost'] as const)
    .map((state) => ({ state, count: count(state) }))
    .filter((entry) => entry.count > 0)
    .map((entry) => `${entry.count} ${entry.state}`)
  return `of ${units.length} ${units.length === 1 ? 'unit' : 'units'}: ${counts.join(', ')}`
}

function nodeCount(count: number): string {
  return count === 1 ? 'one node' : `${count} nodes`
}
