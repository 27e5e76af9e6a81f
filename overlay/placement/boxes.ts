import { attributeOf, type Attributes } from '../attributes/index.ts'
import { equalIntervals, includes, intersect, unite, type Intervals } from './intervals.ts'
import { OTHER, orderedOf, type Ordered } from './ordered.ts'

/**
 * A box: for some names, in lower case and as they stand in the query, the values that they may have. A node lies in it if
 * each of them has one of those; an empty box holds every node.
 */
export type Box = ReadonlyMap<string, Intervals>

/** Boxes of one query, any of which a node may lie in. More become one that holds them all. */
export const BOX_COUNT_MAX = 16

export const EVERYWHERE: readonly Box[] = [new Map()]
export const NOWHERE: readonly Box[] = []

export function boxOf(name: string, intervals: Intervals): readonly Box[] {
  return intervals.length === 0 ? NOWHERE : [new Map([[name, intervals]])]
}

/** Whether attributes lie in a box. An alias has the value that expressions see. */
export function isWithin(box: Box, attributes: Attributes): boolean {
  for (const [name, intervals] of box) if (!includes(intervals, orderedAt(attributes, name))) return false
  return true
}

/** The value of a name in lower case. */
export function orderedAt(attributes: Attributes, name: string): Ordered {
  const value = orderedOf(attributeOf(attributes, name))
  if (value !== null) return value
  return Object.keys(attributes).some((other) => other.toLowerCase().startsWith(`${name}.`)) ? OTHER : null
}

export function eitherOf(ours: readonly Box[], theirs: readonly Box[]): readonly Box[] {
  return theirs.reduce(add, ours)
}

export function bothOf(ours: readonly Box[], theirs: readonly Box[]): readonly Box[] {
  let all = NOWHERE
  for (const one of ours)
    for (const other of theirs) {
      const common = meet(one, other)
      if (common !== undefined) all = add(all, common)
    }
  return all
}

/** Two boxes that differ in one name are one box: alternatives for one attribute, however many, cost one. */
function add(boxes: readonly Box[], box: Box): readonly Box[] {
  for (const [index, other] of boxes.entries()) {
    const joined = join(other, box)
    if (joined !== undefined) return add(boxes.toSpliced(index, 1), joined)
  }
  return boxes.length < BOX_COUNT_MAX ? [...boxes, box] : [hullOf([...boxes, box])]
}

/** One box that is exactly both, where there is one: they have the same names and differ in one at most, or one lies in the other. */
function join(one: Box, other: Box): Box | undefined {
  const shared = [...one.keys()].filter((name) => other.has(name))
  const differing = shared.filter((name) => !equalIntervals(one.get(name)!, other.get(name)!))
  if (differing.length === 0 && shared.length === one.size) return one
  if (differing.length === 0 && shared.length === other.size) return other
  if (differing.length > 1 || shared.length < one.size || shared.length < other.size) return undefined
  return hullOf([one, other])
}

/** The least box around all of them. */
function hullOf(boxes: readonly [Box, ...Box[]] | readonly Box[]): Box {
  const hull = new Map<string, Intervals>()
  for (const name of boxes[0]!.keys())
    if (boxes.every((box) => box.has(name))) hull.set(name, unite(boxes.flatMap((box) => box.get(name)!)))
  return hull
}

function meet(one: Box, other: Box): Box | undefined {
  const common = new Map(one)
  for (const [name, intervals] of other) {
    const ours = one.get(name)
    const both = ours === undefined ? intervals : intersect(ours, intervals)
    if (both.length === 0) return undefined
    common.set(name, both)
  }
  return common
}
