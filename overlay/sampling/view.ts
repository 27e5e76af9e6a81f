import type { Descriptor } from '../descriptor/index.ts'
import type { Rng } from '../env/index.ts'
import { isSamePeer, type Book } from './book.ts'
import { AGE_MAX } from './messages.ts'

/**
 * A bounded set of descriptors with ages, as a row of whole numbers: a few for its state, then for each entry the number that
 * the book has for its descriptor, and the cycle of its birth, so that growing older costs nothing. It is searched from end to end, which
 * at twenty entries is quicker than a map and a fraction of its memory. Where many nodes run in one process their rows lie side by
 * side in one block of memory.
 */
export class View {
  readonly #words: Int32Array
  readonly #base: number
  readonly #size: number
  readonly #book: Book

  /** An empty view, over whatever stood in the row: `viewWordCount` words of `words` from `base`. */
  constructor(
    { words, base, book }: { readonly words: Int32Array; readonly base: number; readonly book: Book },
    options: { readonly size: number },
  ) {
    this.#words = words
    this.#base = base
    this.#size = options.size
    this.#book = book
    words.fill(0, base, base + viewWordCount(options.size))
  }

  get count(): number {
    return this.#words[this.#base + COUNT]!
  }

  get isFull(): boolean {
    return this.count >= this.#size - this.#words[this.#base + LENDING]!
  }

  /** Whether it lacks more than what is on its way to it anyway. */
  get isWanting(): boolean {
    return this.count < this.#size - UNDER_WAY_COUNT
  }

  descriptors(): Descriptor[] {
    return this.numbers().map((number) => this.#book.at(number))
  }

  /** The numbers of its entries. */
  numbers(): number[] {
    return Array.from({ length: this.count }, (_, index) => this.#words[this.#slotOf(index)]!)
  }

  has(number: number): boolean {
    return this.#find(number) >= 0
  }

  /** Everyone in it is a cycle older. */
  growOlder(): void {
    this.#words[this.#base + CYCLE]!++
  }

  /** Takes out who has not spoken for the longest, of a view that is not empty. */
  takeOldest(): number {
    const words = this.#words
    const first = this.#slotOf(0)
    const end = this.#slotOf(this.count)
    let oldest = first
    let birth = words[first + 1]!
    for (let slot = first + 2; slot < end; slot += 2)
      if (words[slot + 1]! < birth) {
        oldest = slot
        birth = words[slot + 1]!
      }
    const number = words[oldest]!
    this.#removeAt(oldest)
    return number
  }

  /**
   * Number and age, in turn, of up to `count` different entries by chance, none of them lent, and room for `spare` more. They stand in a
   * row from `lentCount` until something else is drawn or removed: what comes for them can be put in their place.
   */
  draw(count: number, rng: Rng): number[] {
    const words = this.#words
    const base = this.#base
    const start = words[base + LENT]!
    const held = words[base + COUNT]!
    const end = Math.min(start + count, held)
    const cycle = words[base + CYCLE]!
    const entries: number[] = []
    for (let index = start; index < end; index++) {
      const slot = base + ENTRIES + 2 * index
      const other = slot + 2 * rng.below(held - index)
      const number = words[other]!
      const birth = words[other + 1]!
      words[other] = words[slot]!
      words[other + 1] = words[slot + 1]!
      words[slot] = number
      words[slot + 1] = birth
      entries.push(number, Math.min(cycle - birth, AGE_MAX))
    }
    return entries
  }

  /**
   * The same, lent until `settle`: what was offered to somebody who has not answered yet is not offered to another meanwhile, or
   * links would double; and a slot stays free for what is to come.
   */
  lend(count: number, rng: Rng): number[] {
    this.settle()
    const entries = this.draw(count, rng)
    this.#words[this.#base + LENT] = entries.length >> 1
    this.#words[this.#base + LENDING] = 1
    return entries
  }

  /** How many are lent: they stand first. */
  get lentCount(): number {
    return this.#words[this.#base + LENT]!
  }

  /** Nothing is lent any more. Says how many were. */
  settle(): number {
    const count = this.lentCount
    this.#words[this.#base + LENT] = 0
    this.#words[this.#base + LENDING] = 0
    return count
  }

  remove(number: number): boolean {
    const slot = this.#find(number)
    if (slot >= 0) this.#removeAt(slot)
    return slot >= 0
  }

  /** Takes an entry in: in place of an older word of the same node, or in an empty slot. */
  insert(number: number, age: number): Inserted {
    const words = this.#words
    const birth = words[this.#base + CYCLE]! - age
    const known = this.#find(number)
    if (known >= 0) {
      if (birth > words[known + 1]!) words[known + 1] = birth
      if (words[known] !== number) words[known] = this.#book.later(words[known]!, number)
      return 'known'
    }
    if (this.isFull) return 'full'
    const slot = this.#slotOf(this.#words[this.#base + COUNT]!++)
    words[slot] = number
    words[slot + 1] = birth
    return 'taken'
  }

  /** Takes an entry of a node that is not in the view, in place of the one that stands at `index`. */
  replaceAt(index: number, number: number, age: number): void {
    const slot = this.#slotOf(index)
    this.#words[slot] = number
    this.#words[slot + 1] = this.#words[this.#base + CYCLE]! - age
  }

  #slotOf(index: number): number {
    return this.#base + ENTRIES + 2 * index
  }

  #removeAt(at: number): void {
    const words = this.#words
    const base = this.#base
    let slot = at
    if (slot < this.#slotOf(words[base + LENT]!)) {
      this.#copy(this.#slotOf(--words[base + LENT]!), slot)
      slot = this.#slotOf(words[base + LENT]!)
    }
    this.#copy(this.#slotOf(--words[base + COUNT]!), slot)
  }

  #copy(from: number, to: number): void {
    this.#words[to] = this.#words[from]!
    this.#words[to + 1] = this.#words[from + 1]!
  }

  /** The slot of an entry of the same peer, or -1. */
  #find(number: number): number {
    const words = this.#words
    const first = this.#base + ENTRIES
    const end = first + 2 * words[this.#base + COUNT]!
    for (let slot = first; slot < end; slot += 2) if (isSamePeer(words[slot]!, number)) return slot
    return -1
  }
}

/** How many words a view of so many entries takes. */
export function viewWordCount(size: number): number {
  return ENTRIES + 2 * size
}

/** A row: how many entries, how many at the front are lent, whether any are being lent, the cycle, and the entries. */
const COUNT = 0
const LENT = 1
const LENDING = 2
const CYCLE = 3
const ENTRIES = 4

/** Slots that may be empty for a moment: of the peer that is being asked, and of what was offered in vain. */
const UNDER_WAY_COUNT = 2

/** `known` where its node stood in the view already, `full` where there was no room. */
export type Inserted = 'taken' | 'known' | 'full'
