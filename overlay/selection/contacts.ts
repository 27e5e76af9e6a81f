import { isNewer, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'

/** Slots at one level: the three bits of a key that follow the one in which it differs from ours. */
export const SLOT_BITS = 3
export const SLOT_COUNT = 1 << SLOT_BITS
/** Contacts in one slot: one to ask, and one to ask when it is silent. */
export const SLOT_SIZE = 2

/**
 * Whom a node knows in the other cells of a grouping, by how far off they are: at level L stand nodes whose keys share the first L bits
 * with ours and differ in the next (the buckets of Kademlia: Maymounkov and Mazieres 2002, section 2.2), in eight slots by the three
 * bits that follow, so that each step towards a key settles four bits of it. With each stands the cycle in which it was last known to
 * live, by its own word or by report; of three for a slot the two heard of last stay.
 */
export class Contacts {
  readonly #held: (Descriptor | undefined)[] = []
  #heardAt = new Int32Array(0)

  /** Levels below this one have slots. */
  get levelCount(): number {
    return this.#held.length / LEVEL_SIZE
  }

  get count(): number {
    let count = 0
    for (const descriptor of this.#held) if (descriptor !== undefined) count++
    return count
  }

  *descriptors(): Generator<Descriptor> {
    for (const descriptor of this.#held) if (descriptor !== undefined) yield descriptor
  }

  put(level: number, slot: number, descriptor: Descriptor, heardAt: number): void {
    if (this.levelCount <= level) this.#deepen(level + 1)
    const start = level * LEVEL_SIZE + slot * SLOT_SIZE
    const index = this.#indexFor(start, descriptor.peer)
    const known = this.#held[index]
    if (known?.peer === descriptor.peer) {
      if (isNewer(descriptor, known)) this.#held[index] = descriptor
      this.#heardAt[index] = Math.max(this.#heardAt[index]!, heardAt)
    } else if (known === undefined || this.#heardAt[index]! <= heardAt) {
      this.#held[index] = descriptor
      this.#heardAt[index] = heardAt
    }
  }

  /** Those in one slot, the one heard of last first. */
  slot(level: number, slot: number): Descriptor[] {
    const start = level * LEVEL_SIZE + slot * SLOT_SIZE
    const [one, other] = [this.#held[start], this.#held[start + 1]]
    if (one === undefined || other === undefined) return [one ?? other].filter((held) => held !== undefined)
    return this.#heardAt[start]! >= this.#heardAt[start + 1]! ? [one, other] : [other, one]
  }

  /** All at one level. */
  level(level: number): Descriptor[] {
    return this.#held.slice(level * LEVEL_SIZE, (level + 1) * LEVEL_SIZE).filter((held) => held !== undefined)
  }

  remove(level: number, peer: PeerId): boolean {
    for (let index = level * LEVEL_SIZE; index < (level + 1) * LEVEL_SIZE; index++) {
      if (this.#held[index]?.peer !== peer) continue
      this.#held[index] = undefined
      return true
    }
    return false
  }

  /** Any; undefined where none was hit in a few tries. */
  pick(rng: Rng): Descriptor | undefined {
    for (let tries = 0; tries < PICK_TRIES && this.#held.length > 0; tries++) {
      const descriptor = this.#held[rng.below(this.#held.length)]
      if (descriptor !== undefined) return descriptor
    }
    return undefined
  }

  /** A few by chance that were heard of since `sinceCycle`, with the cycle of each. */
  pickFresh(count: number, sinceCycle: number, rng: Rng): { descriptors: Descriptor[]; heardAt: number[] } {
    const descriptors: Descriptor[] = []
    const heardAt: number[] = []
    const { length } = this.#held
    if (length === 0) return { descriptors, heardAt }
    const start = rng.below(length)
    for (let step = 0; step < length && descriptors.length < count; step++) {
      const index = (start + step * STRIDE) % length
      const descriptor = this.#held[index]
      if (descriptor === undefined || this.#heardAt[index]! < sinceCycle) continue
      descriptors.push(descriptor)
      heardAt.push(this.#heardAt[index]!)
    }
    return { descriptors, heardAt }
  }

  /** Everyone from this level on goes, and is returned: the cell grew to take them in. */
  takeFrom(level: number): Descriptor[] {
    const taken = this.#held.slice(level * LEVEL_SIZE).filter((held) => held !== undefined)
    this.#held.length = Math.min(this.#held.length, level * LEVEL_SIZE)
    this.#heardAt = this.#heardAt.slice(0, this.#held.length)
    return taken
  }

  #deepen(levelCount: number): void {
    const heardAt = new Int32Array(levelCount * LEVEL_SIZE)
    heardAt.set(this.#heardAt)
    this.#heardAt = heardAt
    while (this.#held.length < heardAt.length) this.#held.push(undefined)
  }

  #indexFor(start: number, peer: PeerId): number {
    let oldest = start
    for (let index = start; index < start + SLOT_SIZE; index++) {
      const held = this.#held[index]
      if (held?.peer === peer) return index
      if (this.#held[oldest] === undefined) continue
      if (held === undefined || this.#heardAt[index]! < this.#heardAt[oldest]!) oldest = index
    }
    return oldest
  }
}

const LEVEL_SIZE = SLOT_COUNT * SLOT_SIZE
const PICK_TRIES = 8
/** Odd, so that stepping by it visits every slot of a table whose size is a power of two times a few levels, and mixes levels. */
const STRIDE = 37
