import type { Order } from './queue-order.ts'
import { fits, minus, plus, type Occupied, type Room, type UnitRequest } from './request.ts'

/**
 * Who starts now, of those that wait in this order: EASY backfill (Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; Mu'alem and
 * Feitelson, IEEE TPDS 12(6), 2001), over cores and memory.
 *
 * Units start in order until one has no room. That one, the *head*, gets a reservation at the moment when enough of what runs will have
 * ended. Those behind it start out of turn if they fit now and cannot be in its way: they end by then, or take only what
 * the head leaves over. So small work fills the gaps before large work, and the head starts no later than its reservation says,
 * as long as limits are kept.
 *
 * A unit without a limit is expected to run for as long again as it has run: half of all processes that have lived for a time live on for
 * at least that time (Harchol-Balter and Downey, ACM TOCS 15(3), 1997). So whoever is let past a head behind such a unit is over, at the
 * latest, when the unit would have run twice as long. A reservation that rests on this says that it is a guess. Behind the head a
 * unit without limit takes only what is left over.
 */
export function planStarts(order: Order, node: NodeState): Plan {
  const { nowMs } = node
  const starts: UnitRequest[] = []
  let free = node.free
  let reserved: Reservation | undefined
  const canStart = (request: UnitRequest): boolean =>
    (request.notBeforeMs ?? nowMs) <= nowMs &&
    fits(request, free) &&
    (!reserved || endsBefore(request, nowMs, reserved.fromMs) || fits(request, reserved.spare))
  // With the head known, who cannot start now cannot later in this plan: room and time only shrink.
  let isNarrowed = false
  for (let request = order.next(); request; request = order.next()) {
    if (canStart(request)) {
      starts.push(request)
      free = minus(free, request)
      if (reserved && !endsBefore(request, nowMs, reserved.fromMs))
        reserved = { ...reserved, spare: minus(reserved.spare, request) }
      isNarrowed = false
    } else {
      reserved ??= reserve(request, { ...node, free }, starts)
      if (reserved && !isNarrowed) order.keep(canStart)
      isNarrowed = reserved !== undefined
    }
  }
  return reserved ? { starts, reserved } : { starts }
}

export interface NodeState {
  readonly nowMs: number
  /** What nobody is promised. */
  readonly free: Room
  readonly running: readonly Occupied[]
}

export interface Plan {
  /** They fit together, and start in this order. */
  readonly starts: readonly UnitRequest[]
  /** For the first that has to wait; none where nobody has to, or where what it needs is beyond what runs and is free here. */
  readonly reserved?: Reservation
}

export interface Reservation {
  readonly unitId: string
  readonly fromMs: number
  /** Whether it rests on a unit that has no limit. */
  readonly isGuess: boolean
  /** What will be free beside it then. */
  readonly spare: Room
}

/** The shortest time that a unit without a limit is still expected to run. */
export const REMAINING_MS_MIN = 60_000

/** When room comes back. */
export interface End extends Room {
  readonly atMs: number
  readonly isGuess: boolean
}

/** When what runs here ends, soonest first; who is beyond its limit is expected to end now. */
export function endsOf(running: readonly Occupied[], nowMs: number): End[] {
  const ends = running.map(({ cores, memoryBytes, startedAtMs, endsByMs }): End => {
    const isGuess = endsByMs === undefined
    const atMs = isGuess ? nowMs + Math.max(nowMs - startedAtMs, REMAINING_MS_MIN) : Math.max(endsByMs, nowMs)
    return { cores, memoryBytes, atMs, isGuess }
  })
  return ends.sort((one, other) => one.atMs - other.atMs)
}

/** When a unit ends that starts at `startMs`. */
export function endOf(request: UnitRequest, startMs: number): End {
  const { cores, memoryBytes, limitMs } = request
  return { cores, memoryBytes, atMs: startMs + (limitMs ?? REMAINING_MS_MIN), isGuess: limitMs === undefined }
}

function reserve(head: UnitRequest, node: NodeState, starts: readonly UnitRequest[]): Reservation | undefined {
  const started = starts.map((request): Occupied => ({
    ...request,
    startedAtMs: node.nowMs,
    ...(request.limitMs === undefined ? {} : { endsByMs: node.nowMs + request.limitMs }),
  }))
  let fromMs = Math.max(node.nowMs, head.notBeforeMs ?? node.nowMs)
  let free = node.free
  let isGuess = false
  for (const end of endsOf([...node.running, ...started], node.nowMs)) {
    if (end.atMs > fromMs && fits(head, free)) break
    free = plus(free, end)
    fromMs = Math.max(fromMs, end.atMs)
    isGuess ||= end.isGuess
  }
  return fits(head, free) ? { unitId: head.unitId, fromMs, isGuess, spare: minus(free, head) } : undefined
}

function endsBefore({ limitMs }: UnitRequest, nowMs: number, fromMs: number): boolean {
  return limitMs !== undefined && nowMs + limitMs <= fromMs
}
