import { keyOf, type Descriptor } from '../descriptor/index.ts'
import { sample, type Rng } from '../env/index.ts'

/**
 * Descriptors on their way from one cell to another, and beside each its two marks: its place in the order of cells, and the hash
 * of what it holds. Both follow from it; they travel along so that it need not be fetched from memory to be compared.
 */
export class Batch {
  readonly descriptors: Descriptor[] = []
  readonly marks: number[] = []

  static of(...descriptors: readonly Descriptor[]): Batch {
    const batch = new Batch()
    for (const descriptor of descriptors) batch.add(descriptor, placeOf(keyOf(descriptor)), holdingHash(descriptor))
    return batch
  }

  get count(): number {
    return this.descriptors.length
  }

  add(descriptor: Descriptor, place: number, hash: number): void {
    this.descriptors.push(descriptor)
    this.marks.push(place, hash)
  }

  placeAt(index: number): number {
    return this.marks[2 * index]!
  }

  hashAt(index: number): number {
    return this.marks[2 * index + 1]!
  }

  /** From `start` to before `end`. */
  part(start: number, end: number): Batch {
    const part = new Batch()
    for (let index = start; index < Math.min(end, this.count); index++) this.#copy(index, part)
    return part
  }

  /** Up to `count` of them, each as likely. */
  sample(count: number, rng: Rng): Batch {
    if (this.count <= count) return this
    const some = new Batch()
    for (const index of sample([...this.descriptors.keys()], count, rng)) this.#copy(index, some)
    return some
  }

  #copy(index: number, to: Batch): void {
    to.add(this.descriptors[index]!, this.placeAt(index), this.hashAt(index))
  }
}

/** Where a node with this key stands in a cell: the low half first, since in a home cell the high bits of all keys are the same. */
export function placeOf(key: number): number {
  return (key << 16) | (key >>> 16)
}

/** The key of a node that stands there. */
export function keyAt(place: number): number {
  return placeOf(place)
}

/** Peer and sequence in 32 bits, with sign. Two that differ look alike once in 2^32. */
export function holdingHash(descriptor: Descriptor): number {
  return hashOfHolding(keyOf(descriptor), descriptor.sequence)
}

/** The same of a peer's key and a sequence number. */
export function hashOfHolding(key: number, sequence: number): number {
  return mix(mix(key ^ 0x5bd1e995, sequence | 0), Math.floor(sequence / 0x1_0000_0000) | 0)
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
