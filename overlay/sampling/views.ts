import type { Descriptor } from '../descriptor/index.ts'
import type { Rng } from '../env/index.ts'
import { isSamePeer, type Book } from './book.ts'
import { AGE_MAX } from './messages.ts'

/**
 * Bounded sets of descriptors with ages: the view of one node, or of each of the many that run in one process. A view is a row
 * of whole numbers in one block of memory: a few for its state, then for each entry the number that the book has for its
 * descriptor, and the cycle of its birth, so that growing older costs nothing. It is searched from end to end, which at twenty
 * entries is quicker than a map and a fraction of its memory.
 *
 * A row is told by the place of its first word, as `open` gives it.
 */
export class Views {
  readonly book: Book
  readonly #size: number
  readonly #rowWords: number
  readonly #words: Int32Array

  /** `count` views of up to `size` entries each. Memory that no row was opened in is not touched. */
  constructor(book: Book, options: { readonly size: number; readonly count: number }) {
    this.book = book
    this.#size = options.size
    this.#rowWords = ENTRIES + 2 * options.size
    this.#words = new Int32Array(options.count * this.#rowWords)
  }

  /** Makes the view with this index, from 0, an empty one. Returns its row. A `RangeError` beyond the count that it was made for. */
  open(index: number): number {
    const row = index * this.#rowWords
    if (row < 0 || row >= this.#words.length) throw new RangeError(`there is no room for view ${index}`)
    this.#words.fill(0, row, row + this.#rowWords)
    return row
  }

  countOf(row: number): number {
    return this.#words[row + COUNT]!
  }

  /** Whether it lacks more than what is on its way to it anyway. */
  isWanting(row: number): boolean {
    return this.#words[row + COUNT]! < this.#size - UNDER_WAY_COUNT
  }

  /** The numbers of its entries. */
  numbers(row: number): number[] {
    return Array.from({ length: this.countOf(row) }, (_, index) => this.#words[slotOf(row, index)]!)
  }

  descriptors(row: number): Descriptor[] {
    return this.numbers(row).map((number) => this.book.at(number))
  }

  has(row: number, number: number): boolean {
    return this.#find(row, number) >= 0
  }

  /** Everyone in it is a cycle older. */
  growOlder(row: number): void {
    this.#words[row + CYCLE]!++
  }

  /** Takes out who has not spoken for the longest, of a view that is not empty. */
  takeOldest(row: number): number {
    const words = this.#words
    const first = slotOf(row, 0)
    const end = slotOf(row, words[row + COUNT]!)
    let oldest = first
    let birth = words[first + 1]!
    for (let slot = first + 2; slot < end; slot += 2) {
      const other = words[slot + 1]!
      if (other >= birth) continue
      oldest = slot
      birth = other
    }
    const number = words[oldest]!
    this.#removeAt(row, oldest)
    return number
  }

  /**
   * Number and age, in turn, of up to `count` different entries by chance, none of them lent. They stand in a row from `lentCount` until
   * something else is drawn or removed: what comes for them can be put in their place.
   */
  draw(row: number, count: number, rng: Rng): number[] {
    const words = this.#words
    const start = words[row + LENT]!
    const held = words[row + COUNT]!
    const end = start + count < held ? start + count : held
    const cycle = words[row + CYCLE]!
    const entries: number[] = []
    for (let index = start; index < end; index++) {
      const slot = slotOf(row, index)
      const other = slot + 2 * rng.below(held - index)
      const number = words[other]!
      const birth = words[other + 1]!
      words[other] = words[slot]!
      words[other + 1] = words[slot + 1]!
      words[slot] = number
      words[slot + 1] = birth
      const age = cycle - birth
      const at = 2 * (index - start)
      entries[at] = number
      entries[at + 1] = age < AGE_MAX ? age : AGE_MAX
    }
    return entries
  }

  /**
   * The same, lent until `settle`: what was offered to somebody who has not answered yet is not offered to another meanwhile, or
   * links would double; and a slot stays free for what is to come.
   */
  lend(row: number, count: number, rng: Rng): number[] {
    this.settle(row)
    const entries = this.draw(row, count, rng)
    this.#words[row + LENT] = entries.length >> 1
    this.#words[row + LENDING] = 1
    return entries
  }

  /** How many are lent: they stand first. */
  lentCount(row: number): number {
    return this.#words[row + LENT]!
  }

  /** Nothing is lent any more. Says how many were. */
  settle(row: number): number {
    const count = this.#words[row + LENT]!
    this.#words[row + LENT] = 0
    this.#words[row + LENDING] = 0
    return count
  }

  remove(row: number, number: number): boolean {
    const slot = this.#find(row, number)
    if (slot >= 0) this.#removeAt(row, slot)
    return slot >= 0
  }

  /**
   * Takes in what a peer gave, up to 16 entries, without those of the peer of `own`: each in place of an older word of the same node,
   * else into an empty slot, else in place of one of what was given for it, which stands from `start` to before `end`. Says which were taken
   * so, one bit for each from the lowest; the other nodes stood in the view already, or there was no room.
   */
  merge(row: number, entries: readonly number[], own: number, start: number, end: number): number {
    const words = this.#words
    const cycle = words[row + CYCLE]!
    const room = this.#size - words[row + LENDING]!
    let count = words[row + COUNT]!
    // Most of what comes is not there: it is not searched for where no peer with the same last bits is.
    let seen = 0
    for (let slot = slotOf(row, 0); slot < slotOf(row, count); slot += 2) seen |= 1 << (words[slot]! >> 1)
    let next = start
    let taken = 0
    for (let at = 0; at < entries.length; at += 2) {
      const number = entries[at]!
      if (isSamePeer(number, own)) continue
      const birth = cycle - entries[at + 1]!
      const bit = 1 << (number >> 1)
      if ((seen & bit) !== 0) {
        const known = this.#find(row, number)
        if (known >= 0) {
          this.#refresh(known, number, birth)
          continue
        }
      }
      let index = count
      if (count < room) words[row + COUNT] = ++count
      else if (next < end) index = next++
      else continue
      words[slotOf(row, index)] = number
      words[slotOf(row, index) + 1] = birth
      seen |= bit
      taken |= 1 << (at >> 1)
    }
    return taken
  }

  #refresh(slot: number, number: number, birth: number): void {
    const words = this.#words
    if (birth > words[slot + 1]!) words[slot + 1] = birth
    if (words[slot] !== number) words[slot] = this.book.later(words[slot]!, number)
  }

  #removeAt(row: number, at: number): void {
    const words = this.#words
    let slot = at
    if (slot < slotOf(row, words[row + LENT]!)) {
      const lastLent = slotOf(row, --words[row + LENT]!)
      this.#copy(lastLent, slot)
      slot = lastLent
    }
    this.#copy(slotOf(row, --words[row + COUNT]!), slot)
  }

  #copy(from: number, to: number): void {
    this.#words[to] = this.#words[from]!
    this.#words[to + 1] = this.#words[from + 1]!
  }

  /** The slot of an entry of the same peer, or -1. */
  #find(row: number, number: number): number {
    const words = this.#words
    const end = slotOf(row, words[row + COUNT]!)
    for (let slot = slotOf(row, 0); slot < end; slot += 2) if (isSamePeer(words[slot]!, number)) return slot
    return -1
  }
}

function slotOf(row: number, index: number): number {
  return row + ENTRIES + 2 * index
}

/** A row: how many entries, how many at the front are lent, whether any are being lent, the cycle, and the entries. */
const COUNT = 0
const LENT = 1
const LENDING = 2
const CYCLE = 3
const ENTRIES = 4

/** Slots that may be empty for a moment: of the peer that is being asked, and of what was offered in vain. */
const UNDER_WAY_COUNT = 2
