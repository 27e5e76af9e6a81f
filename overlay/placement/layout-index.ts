import { resolvedName } from '../attributes/index.ts'
import { RankTable, type RankRange } from './borders.ts'
import type { Layout } from './layout.ts'

/** What a name in a descriptor means to a layout: the table it is ranked in, and those of the names that it stands below. */
export interface Place {
  readonly own: number | undefined
  readonly above: readonly number[]
}

/** A layout made ready to rank descriptors. */
export interface Places {
  readonly tables: readonly RankTable[]
  /** Where nodes stand that do not have the attribute. */
  readonly absent: readonly RankRange[]
  /** Indexes of tables, for each grouping. */
  readonly groupings: readonly (readonly number[])[]
  /** The index of the table of a name in lower case. */
  readonly indexOf: ReadonlyMap<string, number>
  /** By a name as a descriptor spells it; undefined where it means nothing. */
  placeOf(spelling: string): Place | undefined
}

/** Spellings that are remembered, those that mean nothing too; descriptors of peers name what they like. */
const SPELLING_COUNT_MAX = 1_024

const made = new WeakMap<Layout, Places>()

export function placesIn(layout: Layout): Places {
  let places = made.get(layout)
  if (places === undefined) made.set(layout, (places = makePlaces(layout)))
  return places
}

function makePlaces({ borders, groupings }: Layout): Places {
  const names = [...new Set(groupings.flat())]
  const indexOf = new Map(names.map((name, index) => [name, index]))
  const tables = names.map((name) => new RankTable(borders[name]!))
  const spelled = new Map<string, Place | undefined>()
  return {
    tables,
    absent: tables.map((table) => table.rangeOf(null)),
    groupings: groupings.map((grouping) => grouping.map((name) => indexOf.get(name)!)),
    indexOf,
    placeOf(spelling) {
      if (spelled.has(spelling)) return spelled.get(spelling)
      const key = spelling.toLowerCase()
      const own = indexOf.get(key)
      const above = names.flatMap((name, index) => (key.startsWith(`${name}.`) ? [index] : []))
      const place = own === undefined && above.length === 0 ? undefined : { own, above }
      if (spelled.size >= SPELLING_COUNT_MAX) spelled.clear()
      spelled.set(spelling, place)
      return place
    },
  }
}

/** The name under which a layout has borders for what a query calls so. */
export function placedName(name: string): string {
  return resolvedName(name).toLowerCase()
}
