import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { commonPrefix } from '../placement/index.ts'

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

/**
 * Up to `count` of all that are offered, of those that share most with a key, each of these as likely (reservoir sampling). Bits beyond
 * those of a cell do not count: in it nobody is nearer for having the better name.
 */
export class Nearest {
  readonly #key: number
  readonly #depth: number
  readonly #count: number
  readonly #rng: Rng
  #descriptors: Descriptor[] = []
  #bits = 0
  #seenCount = 0

  constructor(options: { readonly key: number; readonly depth: number; readonly count: number }, rng: Rng) {
    this.#key = options.key
    this.#depth = options.depth
    this.#count = options.count
    this.#rng = rng
  }

  get descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  /** Whether one of this key would be as near as those that are. */
  wants(key: number): boolean {
    return this.#bitsOf(key) >= this.#bits
  }

  /** `key` is the descriptor's. */
  offer(descriptor: Descriptor, key: number, isOut: (peer: PeerId) => boolean): void {
    const bits = this.#bitsOf(key)
    if (bits < this.#bits || isOut(descriptor.peer)) return
    if (bits > this.#bits) {
      this.#bits = bits
      this.#descriptors = []
      this.#seenCount = 0
    }
    const place = this.#rng.below(++this.#seenCount)
    if (this.#descriptors.length < this.#count) this.#descriptors.push(descriptor)
    else if (place < this.#count) this.#descriptors[place] = descriptor
  }

  #bitsOf(key: number): number {
    return Math.min(commonPrefix(key, this.#key), this.#depth)
  }
}
