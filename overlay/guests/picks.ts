import type { Descriptor } from '../descriptor/index.ts'

/**
 * The `count` with the lowest ranks of all that are offered. Where a rank is a hash of a name and a secret, that is a random choice which
 * hardly changes while those to choose from do, and which nobody else can work out.
 */
export class Lowest {
  readonly #count: number
  readonly #ranks: number[] = []
  readonly #descriptors: Descriptor[] = []

  constructor(count: number) {
    this.#count = count
  }

  /** The lowest rank first. */
  get descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  /** Whether one of this rank would be among them. */
  wants(rank: number): boolean {
    return this.#ranks.length < this.#count || rank < this.#ranks.at(-1)!
  }

  add(rank: number, descriptor: Descriptor): void {
    if (!this.wants(rank)) return
    let place = this.#ranks.length
    while (place > 0 && this.#ranks[place - 1]! > rank) place--
    this.#ranks.splice(place, 0, rank)
    this.#descriptors.splice(place, 0, descriptor)
    if (this.#ranks.length <= this.#count) return
    this.#ranks.pop()
    this.#descriptors.pop()
  }
}
