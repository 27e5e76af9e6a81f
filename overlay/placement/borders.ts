import type { Intervals } from './intervals.ts'
import { coverOf } from './intervals.ts'
import { after, compareOrdered, type Bound, type Ordered } from './ordered.ts'

/** Bits of a rank. 64 ranks an attribute: with four attributes in a grouping 24 of a key's 32 bits. */
export const RANK_BITS = 6
export const RANK_COUNT = 1 << RANK_BITS
/** Borders between ranks. */
export const BORDER_COUNT_MAX = RANK_COUNT - 1

/**
 * The borders of one attribute, which cut its values into ranks of about as many nodes each: ascending values, and how many
 * borders each of them stands for. Rank 0 is below the first border, rank k begins at the k-th. A value that many nodes have stands for
 * many borders, and its nodes are spread over as many ranks.
 */
export interface Borders {
  readonly values: readonly Ordered[]
  readonly counts: readonly number[]
}

/** Ranks from `first` to `last`. */
export interface RankRange {
  readonly first: number
  readonly last: number
}

/** Borders made ready for look-ups: before the border at an index stand so many, and it ends at so many. */
export class RankTable {
  readonly #values: readonly Ordered[]
  readonly #before: readonly number[]
  readonly #until: readonly number[]
  /** By the first rank, and by the first border of a value: the same few objects for all nodes. */
  readonly #between: readonly RankRange[]
  readonly #spread: readonly RankRange[]
  readonly #texts = new Map<string, RankRange>()

  constructor({ values, counts }: Borders) {
    this.#values = values
    const until: number[] = []
    let sum = 0
    for (const count of counts) until.push((sum += count))
    this.#until = until
    this.#before = until.map((ends, index) => ends - counts[index]!)
    this.#between = [0, ...until].map((rank) => ({ first: rank, last: rank }))
    this.#spread = until.map((last, index) => ({ first: this.#before[index]! + 1, last }))
  }

  /** For each value that stands for borders, the ranks that its nodes are spread over. */
  get spread(): readonly RankRange[] {
    return this.#spread
  }

  /** The ranks over which the nodes with this value are spread. */
  rangeOf(value: Ordered): RankRange {
    const values = this.#values
    let low = 0
    let high = values.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareOrdered(values[middle]!, value) <= 0) low = middle + 1
      else high = middle
    }
    const isBorder = low > 0 && compareOrdered(values[low - 1]!, value) === 0
    return isBorder ? this.#spread[low - 1]! : this.#between[low]!
  }

  /** `rangeOf` a text that need not be in lower case. Texts repeat from node to node, and are remembered. */
  rangeOfText(text: string): RankRange {
    let range = this.#texts.get(text)
    if (range === undefined) {
      range = this.rangeOf(text.toLowerCase())
      if (this.#texts.size >= TEXT_COUNT_MAX) this.#texts.clear()
      this.#texts.set(text, range)
    }
    return range
  }

  /**
   * For each rank 0, 1 or 2: none, some or all of the values that stand there are among `intervals`. With `convert`, which must be
   * monotonic, it is said of the converted values; a conversion that mixes up the order of the borders says nothing.
   */
  cover(intervals: Intervals, convert?: (value: Ordered) => Ordered): Uint8Array {
    const cover = new Uint8Array(RANK_COUNT)
    const ends = convert === undefined ? this.#values : this.#values.map(convert)
    if (convert !== undefined && !isAscending(ends)) return cover.fill(SOME)
    const cut = (low: Ordered, high: Bound): number => COVERS[coverOf(intervals, low, high)]
    cover[0] = cut(null, ends.length === 0 ? undefined : highEnd(ends[0]!, convert !== undefined))
    for (const [index, low] of ends.entries()) {
      const until = this.#until[index]!
      cover.fill(cut(low, after(low)), this.#before[index]! + 1, until)
      const next = ends[index + 1]
      cover[until] = cut(low, next === undefined ? undefined : highEnd(next, convert !== undefined))
    }
    return cover
  }
}

/** Texts whose ranks are remembered, of each attribute. */
const TEXT_COUNT_MAX = 512

export const NONE = 0
export const SOME = 1
export const ALL = 2
const COVERS = { none: NONE, some: SOME, all: ALL } as const

/** Below a border lie lesser values, but conversion may round some of them up to it. */
function highEnd(border: Ordered, isConverted: boolean): Ordered {
  return isConverted ? after(border) : border
}

function isAscending(values: readonly Ordered[]): boolean {
  return values.every((value, index) => index === 0 || compareOrdered(values[index - 1]!, value) <= 0)
}
