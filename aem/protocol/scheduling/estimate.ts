import { endOf, endsOf, planStarts, type End, type NodeState } from './backfill.ts'
import { listed } from './queue-order.ts'
import { fits, minus, plus, type UnitRequest } from './request.ts'

export interface Estimate {
  readonly unitId: string
  /** Not before this, unless something ends before its limit; undefined where there is no end in sight that would make room. */
  readonly startMs: number | undefined
  /** When there would be room for it here. Earlier than its start where it waits for other nodes of its gang. */
  readonly roomAtMs: number | undefined
  /** Whether it rests on units that have no limit. */
  readonly isGuess: boolean
  /** How many come before it, those that start now included. */
  readonly aheadCount: number
}

/**
 * When each would start, in order, if nobody else came and everything ran to its limit. Those that start now do; of the others none
 * overtakes another here. Backfill may start one sooner, and a new unit that comes first may make it later.
 */
export function estimateStarts(order: readonly UnitRequest[], node: NodeState): Estimate[] {
  const { nowMs } = node
  const { starts } = planStarts(listed(order), node)
  const startsNow = new Set(starts)
  const ends = endsOf(node.running, nowMs)
  let free = node.free
  for (const request of starts) {
    free = minus(free, request)
    insert(ends, endOf(request, nowMs))
  }
  let roomAtMs = nowMs
  let isGuess = false
  return order.map((request, aheadCount): Estimate => {
    const { unitId } = request
    if (startsNow.has(request)) return { unitId, startMs: nowMs, roomAtMs: nowMs, isGuess: false, aheadCount }
    let endCount = 0
    let room = free
    while (endCount < ends.length && !fits(request, room)) room = plus(room, ends[endCount++]!)
    if (!fits(request, room)) return { unitId, startMs: undefined, roomAtMs: undefined, isGuess, aheadCount }
    for (const end of ends.splice(0, endCount)) {
      roomAtMs = Math.max(roomAtMs, end.atMs)
      isGuess ||= end.isGuess
    }
    const startMs = Math.max(roomAtMs, request.notBeforeMs ?? nowMs)
    free = minus(room, request)
    insert(ends, endOf(request, startMs))
    return { unitId, startMs, roomAtMs, isGuess, aheadCount }
  })
}

/** Keeps them in the order of time. Each takes a core at least, so there are never many. */
function insert(ends: End[], end: End): void {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[middle]!.atMs <= end.atMs) low = middle + 1
    else high = middle
  }
  ends.splice(low, 0, end)
}
