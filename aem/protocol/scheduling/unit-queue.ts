import { planStarts, type NodeState, type Plan } from './backfill.ts'
import { estimateStarts, type Estimate } from './estimate.ts'
import { inOrder, QueueOrder } from './queue-order.ts'
import { fits, type Room, type UnitRequest } from './request.ts'

/**
 * What waits at one node, and what of it starts now. It knows neither what runs nor what time it is: who keeps the node's calendar says
 * both, starts what the plan names and takes it out.
 *
 * The queue is bounded. In a full one nobody keeps others out by asking for more: a newcomer takes the last place of the user
 * who has most units waiting, unless that user would then have fewer than the newcomer's. So the places of a full queue
 * are shared evenly among those who want them, and who is turned away is one who has as many as anybody.
 */
export class UnitQueue {
  readonly #node: QueueNode
  readonly #countMax: number
  readonly #waiting = new Map<string, Waiting>()
  readonly #countByOwner = new Map<string, number>()

  constructor(node: QueueNode, options: { readonly countMax?: number } = {}) {
    this.#node = node
    this.#countMax = options.countMax ?? QUEUE_COUNT_MAX
  }

  get count(): number {
    return this.#waiting.size
  }

  get(unitId: string): UnitRequest | undefined {
    return this.#waiting.get(unitId)?.request
  }

  /** One that waits already stays as it is. */
  add(request: UnitRequest): Added {
    if (this.#waiting.has(request.unitId)) return { isAccepted: true }
    const { capacity } = this.#node
    if (!fits(request, capacity)) {
      const reason = `${request.cores} cores and ${request.memoryBytes} bytes of memory wanted, the node has ${capacity.cores} and ${capacity.memoryBytes}`
      return { isAccepted: false, reason }
    }
    const full = this.#waiting.size >= this.#countMax ? this.#displace(request.owner) : undefined
    if (typeof full === 'string') return { isAccepted: false, reason: full }
    this.#waiting.set(request.unitId, { request })
    this.#count(request.owner, 1)
    return full ? { isAccepted: true, displaced: full } : { isAccepted: true }
  }

  /** Takes it out: it starts, or nobody wants it any more. */
  remove(unitId: string): UnitRequest | undefined {
    const waiting = this.#waiting.get(unitId)
    if (!waiting) return undefined
    this.#waiting.delete(unitId)
    this.#count(waiting.request.owner, -1)
    return waiting.request
  }

  /** Keeps it from starting until it is released; a reason where that cannot be. Only its owner may. */
  hold(unitId: string, owner: string, nowMs: number): string | undefined {
    const waiting = this.#ofOwner(unitId, owner)
    if (typeof waiting === 'string') return waiting
    waiting.heldSinceMs ??= nowMs
    return undefined
  }

  /** The time that it was held does not count as waiting: holding a place early wins nothing. */
  release(unitId: string, owner: string, nowMs: number): string | undefined {
    const waiting = this.#ofOwner(unitId, owner)
    if (typeof waiting === 'string') return waiting
    if (waiting.heldSinceMs === undefined) return undefined
    const heldMs = Math.max(0, nowMs - waiting.heldSinceMs)
    waiting.request = { ...waiting.request, queuedAtMs: waiting.request.queuedAtMs + heldMs }
    delete waiting.heldSinceMs
    return undefined
  }

  isHeld(unitId: string): boolean {
    return this.#waiting.get(unitId)?.heldSinceMs !== undefined
  }

  /** The other nodes of its gang will not have room before this; undefined: they have, or nobody knows. */
  expect(unitId: string, notBeforeMs: number | undefined): void {
    const waiting = this.#waiting.get(unitId)
    if (!waiting) return
    const { notBeforeMs: _, ...request } = waiting.request
    waiting.request = notBeforeMs === undefined ? request : { ...request, notBeforeMs }
  }

  /** Who comes first. Held ones are not among them. */
  order(nowMs: number): readonly UnitRequest[] {
    return inOrder(this.#ready(), (owner) => this.#node.factorOf(owner, nowMs))
  }

  /** What starts now, and for whom room is kept. Nothing is taken out. */
  plan(node: NodeState): Plan {
    const order = new QueueOrder(this.#ready(), (owner) => this.#node.factorOf(owner, node.nowMs))
    return planStarts(order, node)
  }

  /** When each would start that is not held, first come first. */
  estimate(node: NodeState): Estimate[] {
    return estimateStarts(this.order(node.nowMs), node)
  }

  #ready(): UnitRequest[] {
    const ready: UnitRequest[] = []
    for (const { request, heldSinceMs } of this.#waiting.values()) if (heldSinceMs === undefined) ready.push(request)
    return ready
  }

  #ofOwner(unitId: string, owner: string): Waiting | string {
    const waiting = this.#waiting.get(unitId)
    if (!waiting) return 'it does not wait here'
    return waiting.request.owner === owner ? waiting : 'it belongs to somebody else'
  }

  /** Makes room for one of `owner`: the unit that lost its place, or why there is none. */
  #displace(owner: string): UnitRequest | string {
    let most: string | undefined
    let mostCount = 0
    for (const [other, count] of this.#countByOwner)
      if (count > mostCount || (count === mostCount && other > most!)) [most, mostCount] = [other, count]
    const ownCount = this.#countByOwner.get(owner) ?? 0
    if (ownCount + 1 >= mostCount)
      return `the queue is full: ${this.#waiting.size} units wait, ${ownCount} of them yours`
    let last: UnitRequest | undefined
    for (const { request } of this.#waiting.values())
      if (request.owner === most && (!last || isBehind(request, last))) last = request
    return this.remove(last!.unitId)!
  }

  #count(owner: string, change: number): void {
    const count = (this.#countByOwner.get(owner) ?? 0) + change
    if (count > 0) this.#countByOwner.set(owner, count)
    else this.#countByOwner.delete(owner)
  }
}

/** What a queue knows of its node. */
export interface QueueNode {
  /** All that it has; who wants more is refused at once. */
  readonly capacity: Room
  /** As `FairShare.factor`. */
  factorOf(owner: string, nowMs: number): number
}

export type Added =
  | {
      readonly isAccepted: true
      /** Who lost its place in a full queue. */
      readonly displaced?: UnitRequest
    }
  | { readonly isAccepted: false; readonly reason: string }

/** Units that wait at one node. A plan looks at each of them. */
export const QUEUE_COUNT_MAX = 10_000

interface Waiting {
  request: UnitRequest
  heldSinceMs?: number
}

/** Of two units of one user. */
function isBehind(one: UnitRequest, other: UnitRequest): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority
  if (one.queuedAtMs !== other.queuedAtMs) return one.queuedAtMs > other.queuedAtMs
  return one.unitId > other.unitId
}
