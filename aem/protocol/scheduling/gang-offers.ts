import type { NodeState, Reservation } from './backfill.ts'
import type { Gang, UnitRequest } from './request.ts'
import type { Added, UnitQueue } from './unit-queue.ts'

/**
 * The node's side of gangs: units that start together at several nodes, or not at all. A unit of a gang waits in the queue as any other
 * does, but when its turn comes it does not start: its room is *offered* to its controller, and idles until the others' turns have come
 * too. Then the controller *binds* all of them (`gang-gathering.ts`).
 *
 * Gangs that hold offers while they wait for more could wait for each other for ever. Here the plan is made anew at every change as
 * if nothing were offered, and an offer is only what the latest plan gives: where a gang that comes first wants the room,
 * the younger one loses its offer (wound-wait: Rosenkrantz, Stearns and Lewis, ACM TODS 3(2), 1978). All nodes agree on which gang comes first
 * (`compareGangs`), so gangs only ever wait for those before them, and the first of all waits for nobody but for what runs. What is bound
 * is not taken away, and nobody waits while something is bound: a gang that cannot bind everywhere lets go at once.
 *
 * Room that is offered while other nodes are busy for hours would idle for hours. So each node tells when it will have room for its unit
 * (`roomAtMs`), the controller tells each when the last of the others will, and until then the room is lent to units that give it back in
 * time: a reservation as that of a head in EASY backfill, at several nodes for the same moment.
 *
 * A claim lasts until `untilMs`, which the node bounds, and is asked for again meanwhile; so the room of a gang whose controller is gone is free again by then.
 */
export class GangOffers {
  readonly #queue: UnitQueue
  readonly #claims = new Map<string, Claim>()
  /** Ends with `finish`; each takes a core at least, which bounds them. */
  readonly #bound = new Map<string, Bound>()
  #rooms: { readonly madeMs: number; readonly at: ReadonlyMap<string, number | undefined> } | undefined

  constructor(queue: UnitQueue) {
    this.#queue = queue
  }

  /**
   * Puts a unit in the queue, or keeps it there for longer. Refused as the queue refuses, and where a late request has bound it in a round
   * that was given up: then that round is to be unbound first.
   */
  ask(unit: GangUnit, { untilMs, round, notBeforeMs }: Asked): Added {
    const bound = this.#bound.get(unit.unitId)
    if (bound && bound.round < round) return { isAccepted: false, reason: 'it is bound in a round that was given up' }
    if (bound) return { isAccepted: true }
    const added = this.#queue.add(unit)
    if (!added.isAccepted) return added
    if (added.displaced) this.#claims.delete(added.displaced.unitId)
    const before = this.#claims.get(unit.unitId) ?? { untilMs, round, isOffered: false }
    const claim = { untilMs: Math.max(untilMs, before.untilMs), round: Math.max(round, before.round) }
    this.#claims.set(unit.unitId, { ...claim, isOffered: before.isOffered })
    this.#queue.expect(unit.unitId, notBeforeMs)
    return added
  }

  /** Whether it could be bound now. */
  isOffered(unitId: string): boolean {
    return this.#claims.get(unitId)?.isOffered ?? false
  }

  /**
   * When there will be room for the unit here, as far as limits tell; undefined where nobody knows, or not yet: the whole queue is gone
   * through at most once in `ESTIMATE_REUSED_MS`, however many ask.
   */
  roomAtMs(unitId: string, node: NodeState): number | undefined {
    if (this.isOffered(unitId)) return node.nowMs
    if (!this.#rooms || node.nowMs - this.#rooms.madeMs >= ESTIMATE_REUSED_MS) {
      const estimates = this.#queue.estimate(node).filter((estimate) => this.#claims.has(estimate.unitId))
      this.#rooms = { madeMs: node.nowMs, at: new Map(estimates.map((each) => [each.unitId, each.roomAtMs])) }
    }
    const atMs = this.#rooms.at.get(unitId)
    return atMs === undefined ? undefined : Math.max(atMs, node.nowMs)
  }

  /**
   * Who has the room now. To be called whenever something came, ended, or a claim may have run out, and before anything else is given
   * room. What starts is the caller's to take out of the queue; `node.running` has what is bound too.
   */
  settle(node: NodeState): Settled {
    const lapsed: string[] = []
    for (const [unitId, { untilMs }] of this.#claims) if (untilMs <= node.nowMs) lapsed.push(unitId)
    for (const unitId of lapsed) this.drop(unitId)
    const { starts, reserved } = this.#queue.plan(node)
    const planned = new Set(starts.map(({ unitId }) => unitId))
    const offered: string[] = []
    const withdrawn: string[] = []
    for (const [unitId, claim] of this.#claims) {
      if (claim.isOffered && !planned.has(unitId)) withdrawn.push(unitId)
      if (!claim.isOffered && planned.has(unitId)) offered.push(unitId)
      claim.isOffered = planned.has(unitId)
    }
    const alone = starts.filter(({ gang }) => !gang)
    return { starts: alone, offered, withdrawn, lapsed, ...(reserved ? { reserved } : {}) }
  }

  /**
   * Takes the offered room for good: the unit, now out of the queue, or why not. Again for one that is bound: the same. A round that was
   * refused once is void: the same request, should it come again, binds nothing, whatever is offered by then.
   */
  bind(unitId: string, { nowMs, round }: { readonly nowMs: number; readonly round: number }): GangUnit | string {
    const bound = this.#bound.get(unitId)
    if (bound) return bound.round === round ? bound.unit : 'it is bound in another round'
    const claim = this.#claims.get(unitId)
    if (!claim || claim.untilMs <= nowMs) return 'nothing is asked for it, or not any more'
    if (round < claim.round) return 'that round was given up'
    if (!claim.isOffered) {
      this.#claims.set(unitId, { ...claim, round: round + 1 })
      return 'its room is not offered, or not any more'
    }
    const unit = this.#queue.remove(unitId) as GangUnit | undefined
    this.#claims.delete(unitId)
    if (!unit) return 'it lost its place in the queue'
    this.#bound.set(unitId, { unit, round })
    return unit
  }

  /**
   * The gang does not start in this round: what it or one before bound waits again, where it waited before. Whether anything was bound; its
   * room is free then.
   */
  unbind(unitId: string, { untilMs, round }: { readonly untilMs: number; readonly round: number }): boolean {
    const bound = this.#bound.get(unitId)
    if (!bound || bound.round > round) return false
    this.#bound.delete(unitId)
    this.ask(bound.unit, { untilMs, round: round + 1 })
    return true
  }

  /** Nobody wants it any more; it is not bound. */
  drop(unitId: string): void {
    this.#claims.delete(unitId)
    this.#queue.remove(unitId)
  }

  /** A bound unit is over, however it went. From then on the caller, who knows what has run here, takes no request for it. */
  finish(unitId: string): void {
    this.#bound.delete(unitId)
  }
}

export interface GangUnit extends UnitRequest {
  readonly gang: Gang
}

export interface Asked {
  /** When the claim lapses, unless it is asked for again. */
  readonly untilMs: number
  /** As `GangGathering.round`. */
  readonly round: number
  /** When the other nodes will have room, by this node's clock; without it the unit's room is kept as soon as there is some. */
  readonly notBeforeMs?: number
}

/** How old an estimate may be. It rests on limits, which tell hours rather than seconds. */
export const ESTIMATE_REUSED_MS = 1_000

export interface Settled {
  /** Units without a gang that start now. */
  readonly starts: readonly UnitRequest[]
  /** Units whose controllers are to hear that they have room; should they not hear it, they do when they ask again. */
  readonly offered: readonly string[]
  /** Units that have none any more. */
  readonly withdrawn: readonly string[]
  /** Units that were not asked for again, and wait no longer. */
  readonly lapsed: readonly string[]
  readonly reserved?: Reservation
}

interface Claim {
  readonly untilMs: number
  /** Requests to bind of an earlier one are void. */
  readonly round: number
  isOffered: boolean
}

interface Bound {
  readonly unit: GangUnit
  readonly round: number
}
