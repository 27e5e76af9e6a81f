import * as fc from 'fast-check'
import {
  type NodeState,
  type Occupied,
  type Reservation,
  type Room,
  type UnitRequest,
} from '../../../../aem/protocol/scheduling/index.ts'
import { UnitQueue } from '../../../../aem/protocol/scheduling/index.ts'

/** A node in virtual time: what arrives waits, what a plan names starts, what ran for its time is gone. */

export const CAPACITY: Room = { cores: 8, memoryBytes: 100 }

export interface Arrival extends Omit<UnitRequest, 'queuedAtMs' | 'unitId'> {
  readonly afterMs: number
  /** What it takes of its limit, or of 100 ms where it has none. */
  readonly runShare: number
}

export interface Ran {
  readonly request: UnitRequest
  readonly startMs: number
  readonly endMs: number
  /** Reservations that it had, in the order of time, each with when it was given. */
  readonly reserved: readonly (Reservation & { readonly atMs: number })[]
}

export function arrivals(options: { readonly isLimited: boolean; readonly owners?: number }): fc.Arbitrary<Arrival[]> {
  const arrival = fc.record({
    afterMs: fc.nat(60),
    runShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
    owner: fc.nat((options.owners ?? 1) - 1).map((index) => `o${index}`),
    cores: fc.integer({ min: 1, max: CAPACITY.cores }),
    memoryBytes: fc.nat(CAPACITY.memoryBytes),
    priority: fc.constant(0),
    limitMs: options.isLimited
      ? fc.integer({ min: 1, max: 200 })
      : fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  })
  return fc.array(arrival, { maxLength: 40 }) as fc.Arbitrary<Arrival[]>
}

/** Plays it to its end, and checks at each moment that no more is promised than there is. */
export function play(list: readonly Arrival[], factorOf: (owner: string) => number = () => 1): Ran[] {
  const queue = new UnitQueue({ capacity: CAPACITY, factorOf })
  const running = new Map<string, { request: UnitRequest; startMs: number; endMs: number }>()
  const reserved = new Map<string, (Reservation & { atMs: number })[]>()
  const ran: Ran[] = []
  const due = [...list.entries()]
  const runMs = new Map<string, number>()
  let nowMs = 0
  let nextArrivalMs = due[0]?.[1].afterMs ?? Infinity
  for (;;) {
    const soonestEnd = Math.min(...Array.from(running.values(), ({ endMs }) => endMs))
    nowMs = Math.min(nextArrivalMs, soonestEnd)
    if (nowMs === Infinity) break
    for (const [unitId, { request, startMs, endMs }] of running)
      if (endMs <= nowMs) {
        running.delete(unitId)
        ran.push({ request, startMs, endMs, reserved: reserved.get(unitId) ?? [] })
      }
    while (nextArrivalMs <= nowMs) {
      const [index, { afterMs: _, runShare, ...rest }] = due.shift()!
      const unitId = `u${String(index).padStart(3, '0')}`
      runMs.set(unitId, Math.max(1, Math.floor((rest.limitMs ?? 100) * runShare)))
      queue.add({ ...rest, unitId, queuedAtMs: nowMs })
      nextArrivalMs = due.length > 0 ? nowMs + due[0]![1].afterMs : Infinity
    }
    const node = stateOf(
      nowMs,
      Array.from(running.values(), ({ request, startMs }) => occupied(request, startMs)),
    )
    const plan = queue.plan(node)
    for (const request of plan.starts) {
      queue.remove(request.unitId)
      running.set(request.unitId, { request, startMs: nowMs, endMs: nowMs + runMs.get(request.unitId)! })
    }
    if (plan.reserved) {
      const before = reserved.get(plan.reserved.unitId) ?? []
      reserved.set(plan.reserved.unitId, [...before, { ...plan.reserved, atMs: nowMs }])
    }
    const taken = stateOf(
      nowMs,
      Array.from(running.values(), ({ request }) => occupied(request, nowMs)),
    )
    if (taken.free.cores < 0 || taken.free.memoryBytes < 0)
      throw new Error(`more is promised than there is at ${nowMs}`)
    if (running.size === 0 && queue.count > 0) throw new Error(`nothing runs at ${nowMs} while ${queue.count} wait`)
  }
  return ran
}

export function occupied(request: UnitRequest, startMs: number): Occupied {
  const { unitId, cores, memoryBytes, limitMs } = request
  const end = limitMs === undefined ? {} : { endsByMs: startMs + limitMs }
  return { unitId, cores, memoryBytes, startedAtMs: startMs, ...end }
}

export function stateOf(nowMs: number, running: readonly Occupied[]): NodeState {
  let { cores, memoryBytes } = CAPACITY
  for (const unit of running) {
    cores -= unit.cores
    memoryBytes -= unit.memoryBytes
  }
  return { nowMs, running, free: { cores, memoryBytes } }
}
