import { attributeAlias, attributeOf, knownAttribute } from '../attributes/index.ts'
import type { Descriptor } from '../descriptor/index.ts'
import { BORDER_COUNT_MAX, RANK_COUNT, RankTable, type Borders } from './borders.ts'
import { compareOrdered, orderedOf, OTHER, type Ordered } from './ordered.ts'

/** What a sample of nodes says of attributes. */
export interface Statistics {
  readonly nodeCount: number
  /** For each name, in lower case, one value for each node, in ascending order: absent ones first. */
  readonly values: ReadonlyMap<string, readonly Ordered[]>
  /** See `Layout.unsure`. */
  readonly unsure: ReadonlySet<string>
}

export function statisticsOf(descriptors: readonly Descriptor[]): Statistics {
  const values = new Map<string, Ordered[]>()
  for (const { attributes } of descriptors)
    for (const [spelling, value] of Object.entries(attributes))
      valuesAt(values, spelling.toLowerCase()).push(orderedOf(value))
  values.delete(ANNOUNCEMENTS)
  for (const { attributes } of descriptors) countPrefixes(attributes, values)
  for (const all of values.values()) {
    while (all.length < descriptors.length) all.push(null)
    all.sort(compareOrdered)
  }
  return { nodeCount: descriptors.length, values, unsure: unsureIn(descriptors) }
}

/**
 * Labels that a node announces as dynamic, and other standards' names that one uses itself. What the table knows as static stays so: a
 * node that announces such a name only makes itself hard to find, and has no say in how others are found.
 */
export function unsureIn(descriptors: readonly Descriptor[]): ReadonlySet<string> {
  const unsure = new Set<string>()
  for (const { attributes } of descriptors) {
    for (const name of announcedIn(attributes)) if (knownAttribute(name) === undefined) unsure.add(name)
    for (const spelling of Object.keys(attributes)) {
      const name = spelling.toLowerCase()
      for (const part of [name, ...prefixesOf(name)]) if (attributeAlias(part) !== undefined) unsure.add(part)
    }
  }
  return unsure
}

/** The attribute that names the labels which a node answers live. It is about other attributes and none itself. */
const ANNOUNCEMENTS = 'dynamic'

function announcedIn(attributes: Descriptor['attributes']): string[] {
  const announced = attributeOf(attributes, ANNOUNCEMENTS)
  return typeof announced === 'object'
    ? announced.flatMap((name) => [name.toLowerCase(), ...prefixesOf(name.toLowerCase())])
    : []
}

/** A node that has `gpu.driver` and no `gpu` has something at `gpu`, where others have a value. */
function countPrefixes(attributes: Descriptor['attributes'], values: ReadonlyMap<string, Ordered[]>): void {
  const prefixes = new Set(Object.keys(attributes).flatMap((name) => prefixesOf(name.toLowerCase())))
  for (const prefix of prefixes) if (attributeOf(attributes, prefix) === undefined) values.get(prefix)?.push(OTHER)
}

/** `a` and `a.b` of `a.b.c`. */
function prefixesOf(name: string): string[] {
  if (!name.includes('.')) return []
  const parts = name.split('.')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'))
}

function valuesAt(values: Map<string, Ordered[]>, name: string): Ordered[] {
  let all = values.get(name)
  if (all === undefined) values.set(name, (all = []))
  return all
}

/** Characters of a text that is a border without being the value of many nodes: its beginning cuts as well. */
const BORDER_TEXT_CHARS_MAX = 32

/** The values at the 64-quantiles, from all values in ascending order; at least one. */
export function bordersOf(ascending: readonly Ordered[]): Borders {
  const values: Ordered[] = []
  const counts: number[] = []
  for (let border = 1; border <= BORDER_COUNT_MAX; border++) {
    const value = ascending[Math.floor((border * ascending.length) / RANK_COUNT)]!
    if (values.length > 0 && compareOrdered(values.at(-1)!, value) === 0) counts[counts.length - 1]!++
    else {
      values.push(value)
      counts.push(1)
    }
  }
  return shortened({ values, counts })
}

function shortened({ values, counts }: Borders): Borders {
  const short: Ordered[] = []
  for (const [index, value] of values.entries()) {
    const beginning = typeof value === 'string' && counts[index] === 1 ? value.slice(0, BORDER_TEXT_CHARS_MAX) : value
    const isAscending = index === 0 || compareOrdered(short.at(-1)!, beginning) < 0
    short.push(isAscending ? beginning : value)
  }
  return { values: short, counts }
}

/** How finely borders tell these values apart, 0 to 6: the entropy of the ranks they fall into, in bits, a spread value being in one. */
export function bitsOf(ascending: readonly Ordered[], borders: Borders): number {
  const table = new RankTable(borders)
  const counts = new Uint32Array(RANK_COUNT)
  for (const value of ascending) counts[table.rangeOf(value).last]!++
  return counts.reduce((bits, count) => {
    const share = count / ascending.length
    return share === 0 ? bits : bits - share * Math.log2(share)
  }, 0)
}
