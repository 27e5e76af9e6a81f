import type { PeerId } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import { describeExit } from './exit-words.ts'

/** One attempt to place a job, and what became of it. Times are Unix milliseconds by the controller's clock. */
export interface Attempt {
  /** From 1. */
  readonly attempt: number
  readonly atMs: number
  /** `asking`: its nodes are to confirm; `placed`: all have, and it starts; `given-up`: not all did. */
  readonly outcome: 'asking' | 'placed' | 'given-up'
  /** Why it was given up. */
  readonly reason?: string
  /** By index. */
  readonly units: readonly AttemptUnit[]
}

export interface AttemptUnit {
  readonly unit: number
  readonly node: PeerId
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  /** How it ended, in words, or how it was lost. */
  readonly end?: string
}

/** Every attempt that a log tells of, the first one first. */
export function attemptsOf(events: readonly JobEvent[]): Attempt[] {
  const attempts = new Map<number, Attempt>()
  let newest: Attempt | undefined
  const keep = (attempt: Attempt): void => {
    attempts.set(attempt.attempt, attempt)
    newest = attempt
  }
  for (const event of events) {
    const told = 'attempt' in event ? attempts.get(event.attempt) : newest
    if (event.type === 'matched') {
      const units = event.nodes.map((node, unit) => ({ unit, node }))
      keep({ attempt: event.attempt, atMs: event.atMs, outcome: 'asking', units })
    } else if (told === undefined) continue
    else if (event.type === 'placed') keep({ ...told, outcome: 'placed' })
    else if (event.type === 'queued' && told.outcome === 'asking')
      keep({ ...told, outcome: 'given-up', reason: event.reason })
    else if ('unit' in event) keep({ ...told, units: told.units.with(event.unit, unitAfter(told, event)) })
  }
  return [...attempts.values()]
}

type UnitJobEvent = Extract<JobEvent, { readonly unit: number }>

function unitAfter({ units }: Attempt, event: UnitJobEvent): AttemptUnit {
  const { endedAtMs: _endedAtMs, end: _end, ...unit } = units[event.unit] ?? { unit: event.unit, node: event.node }
  switch (event.type) {
    case 'unit-started':
      return { ...unit, startedAtMs: event.atMs }
    case 'unit-exited':
      return { ...unit, endedAtMs: event.atMs, end: describeExit(event.exit) }
    case 'unit-lost':
      return { ...unit, endedAtMs: event.atMs, end: `lost: ${event.reason}` }
    case 'unit-found':
      return unit
  }
}
