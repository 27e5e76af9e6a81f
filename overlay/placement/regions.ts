import { attributeAlias, type AttributeValue } from '../attributes/index.ts'
import { ALL, NONE, RANK_BITS, RANK_COUNT, SOME } from './borders.ts'
import type { Box } from './boxes.ts'
import { placedName, placesIn, type Places } from './layout-index.ts'
import type { Layout } from './layout.ts'
import { orderedOf, type Ordered } from './ordered.ts'

export type Overlap = 'none' | 'some' | 'all'

/** Which parts of one grouping the boxes of a query touch. */
export interface Regions {
  /**
   * How the nodes whose keys begin with the first `depth` bits of `prefix` lie to the boxes. `none`: no box holds any of them,
   * whatever their attributes within the part; `all`: each of them lies in a box.
   */
  overlaps(prefix: number, depth: number): Overlap
  /** An upper bound of how many of the 2^depth prefixes overlap, from the boxes alone. */
  cellCount(depth: number): number
}

/**
 * The regions of `boxes` in a grouping of a layout; `undefined` stands for the home grouping, in which nodes stand by their id
 * alone and everything overlaps.
 */
export function regionsOf(layout: Layout, groupingIndex: number | undefined, boxes: readonly Box[]): Regions {
  const places = placesIn(layout)
  const indexes = groupingIndex === undefined ? [] : (places.groupings[groupingIndex] ?? [])
  return new BoxRegions(
    boxes.map((box) => productOf(box, indexes, places, new Set(layout.unsure))),
    indexes.length,
  )
}

/**
 * One box, as what it covers of each attribute of the grouping: a tree over the 64 ranks, in which entry `(1 << k) | bits` tells of the
 * ranks that begin with these k bits.
 */
interface Product {
  readonly trees: readonly Uint8Array[]
  /** A condition outside the grouping, on what is unsure, or none that the ranks can tell: no part is known to lie in it whole. */
  readonly isOpen: boolean
}

class BoxRegions implements Regions {
  readonly #products: readonly Product[]
  readonly #attributeCount: number
  /** Of each attribute: the entry of the trees that the prefix last asked for leads to. */
  readonly #entries: number[]

  constructor(products: readonly Product[], attributeCount: number) {
    this.#products = products
    this.#attributeCount = attributeCount
    this.#entries = Array.from({ length: attributeCount }, () => 1)
  }

  overlaps(prefix: number, depth: number): Overlap {
    this.#enter(prefix, depth)
    let most = NONE
    for (const product of this.#products) {
      most = Math.max(most, this.#coverOf(product))
      if (most === ALL) return 'all'
    }
    return most === NONE ? 'none' : 'some'
  }

  cellCount(depth: number): number {
    const rankBits = RANK_BITS * this.#attributeCount
    const restCount = 2 ** Math.max(0, depth - rankBits)
    const count = this.#products.reduce((sum, product) => sum + this.#countOf(product, Math.min(depth, rankBits)), 0)
    return Math.min(count * restCount, 2 ** depth)
  }

  #enter(prefix: number, depth: number): void {
    const count = this.#attributeCount
    const bits = Math.min(depth, RANK_BITS * count)
    this.#entries.fill(1)
    for (let bit = 0, at = 0; bit < bits; bit++) {
      this.#entries[at] = (this.#entries[at]! << 1) | ((prefix >>> (31 - bit)) & 1)
      at = at + 1 === count ? 0 : at + 1
    }
  }

  #coverOf({ trees, isOpen }: Product): number {
    let least = isOpen ? SOME : ALL
    for (let at = 0; at < trees.length; at++) {
      const cover = trees[at]![this.#entries[at]!]!
      if (cover === NONE) return NONE
      if (cover < least) least = cover
    }
    return least
  }

  /** A box is a product, so that what it touches of all is what it touches of each, multiplied. */
  #countOf({ trees }: Product, depth: number): number {
    return trees.reduce((product, tree, at) => {
      const bits = Math.floor((depth - at + trees.length - 1) / trees.length)
      return product * tree.subarray(1 << bits, 2 << bits).reduce((sum, cover) => sum + Math.min(cover, 1), 0)
    }, 1)
  }
}

function productOf(box: Box, indexes: readonly number[], places: Places, unsure: ReadonlySet<string>): Product {
  const covers = indexes.map(() => new Uint8Array(RANK_COUNT).fill(ALL))
  let isOpen = false
  for (const [name, intervals] of box) {
    const index = places.indexOf.get(placedName(name))
    const at = index === undefined || unsure.has(name) ? -1 : indexes.indexOf(index)
    if (at < 0) isOpen = true
    else narrow(covers[at]!, places.tables[index!]!.cover(intervals, conversionOf(name)))
  }
  return { trees: covers.map(treeOver), isOpen }
}

/** An alias and the name itself may both be asked for in one box. */
function narrow(cover: Uint8Array, by: Uint8Array): void {
  for (const [rank, part] of by.entries()) cover[rank] = Math.min(cover[rank]!, part)
}

/** From what a node stores to what an expression sees under this name. */
function conversionOf(name: string): ((value: Ordered) => Ordered) | undefined {
  const convert = attributeAlias(name)?.convert
  return convert && ((value) => (value === null ? null : orderedOf(convert(value as AttributeValue))))
}

function treeOver(leaves: Uint8Array): Uint8Array {
  const tree = new Uint8Array(2 * RANK_COUNT)
  tree.set(leaves, RANK_COUNT)
  for (let entry = RANK_COUNT - 1; entry > 0; entry--) {
    const [left, right] = [tree[2 * entry]!, tree[2 * entry + 1]!]
    tree[entry] = left === right ? left : SOME
  }
  return tree
}
