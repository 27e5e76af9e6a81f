/**
 * The controller's side of a gang that waits at several nodes (`gang-offers.ts` is the nodes'). It gathers offers until every unit has
 * one, then asks all nodes to bind. All bound: the gang is placed. One refused, since its offer was withdrawn meanwhile: those
 * that are bound let go before anything else is tried, so that nobody waits while it keeps others waiting.
 *
 * What nodes say may come late, twice, or out of order, and what they say by themselves may be lost: a false belief costs a round of
 * binding that is refused. Requests to bind and to unbind are repeated until they are answered. Each method says what to do next.
 */
export class GangGathering {
  readonly #count: number
  readonly #offered = new Set<number>()
  /** When nodes will have room, by the controller's clock. */
  readonly #roomAtMs = new Map<number, number>()
  #phase: GatheringPhase = 'gathering'
  #round = 1
  readonly #pending = new Set<number>()
  readonly #bound = new Set<number>()

  /** For the units 0 to `count - 1`. */
  constructor(count: number) {
    this.#count = count
  }

  get phase(): GatheringPhase {
    return this.#phase
  }

  /** Goes with every request to a node: it counts the times that this gang tried to bind. */
  get round(): number {
    return this.#round
  }

  /** A node said that it has room for the unit, or that it has none. */
  heard(index: number, isOffered: boolean): GatheringStep {
    if (isOffered) this.#offered.add(index)
    else this.#offered.delete(index)
    if (this.#phase !== 'gathering' || this.#offered.size < this.#count) return WAIT
    this.#phase = 'binding'
    for (let each = 0; each < this.#count; each++) this.#pending.add(each)
    return { type: 'bind', indexes: [...this.#pending] }
  }

  /** A node said when it will have room for the unit. */
  heardRoom(index: number, atMs: number): void {
    this.#roomAtMs.set(index, atMs)
  }

  /** When the last of the others will have room, as far as they said: what the node of this unit is to be told, and may lend its room until. */
  notBeforeMs(index: number): number | undefined {
    let latestMs: number | undefined
    for (const [other, atMs] of this.#roomAtMs) if (other !== index && atMs > (latestMs ?? -Infinity)) latestMs = atMs
    return latestMs
  }

  /** A node answered a request to bind; what it says of an earlier round is old. */
  answered(index: number, { round, isBound }: { readonly round: number; readonly isBound: boolean }): GatheringStep {
    if (this.#phase !== 'binding' || round !== this.#round || !this.#pending.delete(index)) return WAIT
    if (isBound) this.#bound.add(index)
    if (this.#pending.size > 0) return WAIT
    if (this.#bound.size === this.#count) {
      this.#phase = 'placed'
      return { type: 'placed' }
    }
    if (this.#bound.size === 0) return this.#gatherAgain()
    this.#phase = 'unbinding'
    for (const each of this.#bound) this.#pending.add(each)
    this.#bound.clear()
    return { type: 'unbind', indexes: [...this.#pending] }
  }

  /** A node answered a request to unbind. */
  letGo(index: number, { round }: { readonly round: number }): GatheringStep {
    if (this.#phase !== 'unbinding' || round !== this.#round || !this.#pending.delete(index)) return WAIT
    return this.#pending.size > 0 ? WAIT : this.#gatherAgain()
  }

  /** What was believed has been shown to be false somewhere: all is to be heard anew. */
  #gatherAgain(): GatheringStep {
    this.#phase = 'gathering'
    this.#round++
    this.#offered.clear()
    return WAIT
  }
}

export type GatheringPhase = 'gathering' | 'binding' | 'unbinding' | 'placed'

export type GatheringStep =
  | { readonly type: 'wait' }
  | { readonly type: 'bind'; readonly indexes: readonly number[] }
  | { readonly type: 'unbind'; readonly indexes: readonly number[] }
  | { readonly type: 'placed' }

const WAIT: GatheringStep = { type: 'wait' }
