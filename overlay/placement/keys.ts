import { derivedFrom, keyOf, type Descriptor } from '../descriptor/index.ts'
import type { AttributeValue } from '../attributes/index.ts'
import { RANK_BITS, type RankRange, type RankTable } from './borders.ts'
import { placesIn, type Place } from './layout-index.ts'
import { GROUPING_ATTRIBUTES_MAX, type Layout } from './layout.ts'
import { OTHER } from './ordered.ts'

export const KEY_BITS = 32

/**
 * Where a node stands in each grouping, as 32 bits from -2^31 to 2^31 - 1: the bits of its attributes' ranks in turn, most significant
 * first (Morton order), so that nodes with a prefix in common have a box of ranks in common; then bits of its id, which divide
 * nodes that are alike. Nodes with one value that stands for many ranks are spread over these by other bits of the id.
 */
export function groupingKeys(layout: Layout, descriptor: Descriptor): readonly number[] {
  return standingOf(layout, descriptor).keys
}

/** What a layout makes of a node. */
export interface Standing {
  readonly keys: readonly number[]
  /** For each table of `placesIn(layout)` the ranks that the node's value stands for. */
  readonly ranges: readonly RankRange[]
}

export function standingOf(layout: Layout, descriptor: Descriptor): Standing {
  return derivedFrom(descriptor, layout, (own) => workOut(layout, own))
}

function workOut(layout: Layout, descriptor: Descriptor): Standing {
  const places = placesIn(layout)
  const found = places.tables.map((): RankRange | undefined => undefined)
  const { attributes } = descriptor
  for (const name in attributes) {
    const place = places.placeOf(name)
    if (place !== undefined) take(found, place, places.tables, attributes[name]!)
  }
  const ranges = found.map((range, index) => range ?? places.absent[index]!)
  const id = keyOf(descriptor)
  const keys = places.groupings.map((indexes, grouping) => {
    const ranks = indexes.map((index, at) => {
      const { first, last } = ranges[index]!
      return first === last ? first : first + spread(id, 1 + grouping * GROUPING_ATTRIBUTES_MAX + at, last - first + 1)
    })
    return interleave(ranks, mixed(id, 0))
  })
  return { keys, ranges }
}

/** A name stands for itself, and beside labels below it, for the ad of these. */
function take(
  ranges: (RankRange | undefined)[],
  { own, above }: Place,
  tables: readonly RankTable[],
  value: AttributeValue,
): void {
  for (const index of above) ranges[index] ??= tables[index]!.rangeOf(OTHER)
  if (own === undefined) return
  const table = tables[own]!
  ranges[own] =
    typeof value === 'string' ? table.rangeOfText(value) : table.rangeOf(typeof value === 'object' ? OTHER : value)
}

/** Ranks in turn, most significant bits first, filled up with the high bits of `rest`. */
function interleave(ranks: readonly number[], rest: number): number {
  let key = 0
  for (let bit = RANK_BITS - 1; bit >= 0; bit--) for (const rank of ranks) key = (key << 1) | ((rank >>> bit) & 1)
  const restBits = KEY_BITS - RANK_BITS * ranks.length
  return restBits === KEY_BITS ? rest : (key << restBits) | (rest >>> (KEY_BITS - restBits))
}

/** A number below `count`, each as likely, and unrelated for different `purpose`. */
function spread(id: number, purpose: number, count: number): number {
  return Math.floor(((mixed(id, purpose) >>> 0) / 0x1_0000_0000) * count)
}

/** The bits of an id mixed anew for each purpose (the finishing step of MurmurHash3). */
function mixed(id: number, purpose: number): number {
  let hash = Math.imul(id ^ Math.imul(purpose + 1, 0x9e3779b9), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Leading bits that two keys share, 0 to 32. */
export function commonPrefix(one: number, other: number): number {
  return Math.clz32(one ^ other)
}

/** Whether the key begins with the first `depth` bits of `prefix`. */
export function prefixMatches(key: number, prefix: number, depth: number): boolean {
  return commonPrefix(key, prefix) >= depth
}
