import { isNewer, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { AGE_MAX, type Entries } from './messages.ts'

/**
 * A bounded set of descriptors with ages. It is two short arrays, searched from end to end: at twenty entries that is quicker
 * than a map and a fraction of its memory. Beside each descriptor stand its key, so that a search touches no descriptor but the one it
 * finds, and the cycle of its birth, so that growing older costs nothing.
 */
export class View {
  readonly #size: number
  #descriptors: Descriptor[] = []
  /** Key and birth in turn. */
  #marks: number[] = []
  #cycle = 0
  /**
   * So many at the front have been offered to somebody who has not answered yet. They are not offered to another meanwhile, or
   * links would double; and a slot stays free for what is to come.
   */
  #lentCount = 0
  #isLending = false
  #isTrim = false

  constructor(options: { readonly size: number }) {
    this.#size = options.size
  }

  get count(): number {
    return this.#descriptors.length
  }

  get isFull(): boolean {
    return this.#descriptors.length >= this.#size - (this.#isLending ? 1 : 0)
  }

  /** Whether it lacks more than what is on its way to it anyway. */
  get isWanting(): boolean {
    return this.#descriptors.length < this.#size - UNDER_WAY_COUNT
  }

  descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  has(peer: PeerId): boolean {
    return this.#indexOf(peerKey(peer), { peer }) >= 0
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

  /**
   * Up to `count` different entries by chance, none of them lent. They stand in a row from `start` until something else is drawn or
   * removed: what comes for them can be put in their place.
   */
  draw(count: number, rng: Rng): Drawn {
    const start = this.#lentCount
    const held = this.#descriptors.length
    const end = Math.min(start + count, held)
    const marks: number[] = []
    for (let index = start; index < end; index++) {
      this.#swap(index, index + rng.below(held - index))
      marks.push(this.#marks[2 * index]!, Math.min(this.#cycle - this.#marks[2 * index + 1]!, AGE_MAX))
    }
    return { descriptors: this.#descriptors.slice(start, end), marks, start, end }
  }

  /** The same, lent until `settle`. */
  lend(count: number, rng: Rng): Drawn {
    this.settle()
    const drawn = this.draw(count, rng)
    this.#lentCount = drawn.end
    this.#isLending = true
    return drawn
  }

  /** Nothing is lent any more. Says how many were: they stand first. */
  settle(): number {
    const count = this.#lentCount
    this.#lentCount = 0
    this.#isLending = false
    return count
  }

  remove(peer: PeerId): boolean {
    const index = this.#indexOf(peerKey(peer), { peer })
    if (index >= 0) this.#removeAt(index)
    return index >= 0
  }

  /** Takes an entry in: in place of an older word of the same node, or in an empty slot. `key` is that of the descriptor. */
  insert(descriptor: Descriptor, key: number, age: number): Inserted {
    const known = this.#indexOf(key, descriptor)
    if (known >= 0) return this.#refresh(known, descriptor, age)
    if (this.isFull) return 'full'
    this.#put(this.#descriptors.length, descriptor, key, age)
    if (this.#descriptors.length === this.#size) this.#trim()
    return 'taken'
  }

  /** Takes an entry of a node that is not in the view, in place of the one that stands at `index`. */
  replaceAt(index: number, descriptor: Descriptor, key: number, age: number): void {
    this.#put(index, descriptor, key, age)
  }

  /** Reads what `insert` will, for whoever has to wait for memory. */
  look(): number {
    return (
      this.#marks.length + (this.#marks[0] ?? 0) + (this.#marks[20] ?? 0) + (this.#descriptors[0] === undefined ? 1 : 0)
    )
  }

  /** Once: lists that grew hold room for as much again. */
  #trim(): void {
    if (this.#isTrim) return
    this.#isTrim = true
    this.#descriptors = this.#descriptors.slice()
    this.#marks = this.#marks.slice()
  }

  #oldestIndex(): number {
    const marks = this.#marks
    let oldest = 0
    for (let index = 1; 2 * index < marks.length; index++)
      if (marks[2 * index + 1]! < marks[2 * oldest + 1]!) oldest = index
    return oldest
  }

  #refresh(known: number, descriptor: Descriptor, age: number): Inserted {
    const bornAt = this.#cycle - age
    if (bornAt > this.#marks[2 * known + 1]!) this.#marks[2 * known + 1] = bornAt
    if (isNewer(descriptor, this.#descriptors[known])) this.#descriptors[known] = descriptor
    return 'known'
  }

  #put(index: number, descriptor: Descriptor, key: number, age: number): void {
    this.#descriptors[index] = descriptor
    this.#marks[2 * index] = key
    this.#marks[2 * index + 1] = this.#cycle - age
  }

  #removeAt(at: number): void {
    let index = at
    if (index < this.#lentCount) {
      this.#lentCount--
      this.#swap(index, this.#lentCount)
      index = this.#lentCount
    }
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
  #indexOf(key: number, of: { readonly peer: PeerId }): number {
    const marks = this.#marks
    for (let at = 0; at < marks.length; at += 2)
      if (marks[at] === key) {
        const held = this.#descriptors[at >> 1]!
        if (held === of || held.peer === of.peer) return at >> 1
      }
    return -1
  }
}

/** Slots that may be empty for a moment: of the peer that is being asked, and of what was offered in vain. */
const UNDER_WAY_COUNT = 2

/** `known` where its node stood in the view already, `full` where there was no room. */
export type Inserted = 'taken' | 'known' | 'full'

/** Entries of a view that may be added to. */
export interface Drawn extends Entries {
  readonly descriptors: Descriptor[]
  readonly marks: number[]
  /** Where they stand: from `start` to before `end`. */
  readonly start: number
  readonly end: number
}
