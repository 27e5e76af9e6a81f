import { isNewer, keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { AGE_MAX, type Entries } from './messages.ts'

/**
 * A bounded set of descriptors with ages. It is two short arrays, searched from end to end: at twenty entries that is quicker
 * than a map and a fraction of its memory. Beside each descriptor stand its key, so that a search touches no descriptor but the one it
 * finds, and the cycle of its birth, so that growing older costs nothing.
 */
export class View {
  readonly #size: number
  readonly #descriptors: Descriptor[] = []
  /** Key and birth in turn. */
  readonly #marks: number[] = []
  #cycle = 0

  constructor(options: { readonly size: number }) {
    this.#size = options.size
  }

  get count(): number {
    return this.#descriptors.length
  }

  get isFull(): boolean {
    return this.#descriptors.length >= this.#size
  }

  descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  has(peer: PeerId): boolean {
    return this.#indexOf(peerKey(peer), peer) >= 0
  }

  /** Everyone in it is a cycle older. */
  growOlder(): void {
    this.#cycle++
  }

  /** Who has not spoken for the longest. */
  oldest(): Descriptor | undefined {
    return this.#descriptors[this.#oldestIndex()]
  }

  /** The same, and it is taken out. */
  takeOldest(): Descriptor | undefined {
    const index = this.#oldestIndex()
    const descriptor = this.#descriptors[index]
    if (descriptor !== undefined) this.#removeAt(index)
    return descriptor
  }

  /** Up to `count` different entries by chance. */
  draw(count: number, rng: Rng): Drawn {
    const held = this.#descriptors.length
    const some = Math.min(count, held)
    for (let index = 0; index < some; index++) this.#swap(index, index + rng.below(held - index))
    const ages: number[] = []
    const keys: number[] = []
    for (let index = 0; index < some; index++) {
      keys.push(this.#marks[2 * index]!)
      ages.push(Math.min(this.#cycle - this.#marks[2 * index + 1]!, AGE_MAX))
    }
    return { descriptors: this.#descriptors.slice(0, some), ages, keys }
  }

  remove(peer: PeerId): boolean {
    const index = this.#indexOf(peerKey(peer), peer)
    if (index >= 0) this.#removeAt(index)
    return index >= 0
  }

  /**
   * Takes an entry in: in place of an older word of the same node, in an empty slot, or in place of the last of `replaceable` that is
   * still there (which is used up; these are keys of peers). `refreshed` where its node stood in the view already.
   */
  insert(descriptor: Descriptor, age: number, replaceable: number[]): 'taken' | 'refreshed' | 'full' {
    const bornAt = this.#cycle - age
    const key = keyOf(descriptor)
    const known = this.#indexOf(key, descriptor.peer)
    if (known >= 0) {
      if (isNewer(descriptor, this.#descriptors[known])) this.#descriptors[known] = descriptor
      if (bornAt > this.#marks[2 * known + 1]!) this.#marks[2 * known + 1] = bornAt
      return 'refreshed'
    }
    let at = this.#descriptors.length
    if (at >= this.#size) {
      at = -1
      while (at < 0 && replaceable.length > 0) at = this.#indexOfKey(replaceable.pop()!)
      if (at < 0) return 'full'
    }
    this.#descriptors[at] = descriptor
    this.#marks[2 * at] = key
    this.#marks[2 * at + 1] = bornAt
    return 'taken'
  }

  #oldestIndex(): number {
    const marks = this.#marks
    let oldest = 0
    for (let index = 1; 2 * index < marks.length; index++)
      if (marks[2 * index + 1]! < marks[2 * oldest + 1]!) oldest = index
    return oldest
  }

  #removeAt(index: number): void {
    this.#swap(index, this.#descriptors.length - 1)
    this.#descriptors.pop()
    this.#marks.pop()
    this.#marks.pop()
  }

  #swap(one: number, other: number): void {
    const descriptors = this.#descriptors
    const marks = this.#marks
    const descriptor = descriptors[one]!
    const key = marks[2 * one]!
    const bornAt = marks[2 * one + 1]!
    descriptors[one] = descriptors[other]!
    marks[2 * one] = marks[2 * other]!
    marks[2 * one + 1] = marks[2 * other + 1]!
    descriptors[other] = descriptor
    marks[2 * other] = key
    marks[2 * other + 1] = bornAt
  }

  /** Two peers may share a key. */
  #indexOf(key: number, peer: PeerId): number {
    const marks = this.#marks
    for (let at = 0; at < marks.length; at += 2)
      if (marks[at] === key && this.#descriptors[at >> 1]!.peer === peer) return at >> 1
    return -1
  }

  #indexOfKey(key: number): number {
    const marks = this.#marks
    for (let at = 0; at < marks.length; at += 2) if (marks[at] === key) return at >> 1
    return -1
  }
}

/** Entries of a view, and the keys of their peers. */
export interface Drawn extends Entries {
  readonly descriptors: Descriptor[]
  readonly ages: number[]
  readonly keys: number[]
}
