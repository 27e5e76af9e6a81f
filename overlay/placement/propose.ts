import type { Surroundings } from '../env/index.ts'
import type { Borders } from './borders.ts'
import { candidatesOf, designGroupings } from './grouping-design.ts'
import {
  charsOf,
  GROUPING_ATTRIBUTES_MAX,
  GROUPING_COUNT_MAX,
  LAYOUT_CHARS_MAX,
  signLayout,
  UNSURE_COUNT_MAX,
  type Layout,
} from './layout.ts'
import type { Popularity } from './popularity.ts'
import type { Sample } from './sample.ts'
import { bordersOf, statisticsOf, type Statistics } from './statistics.ts'

export interface ProposalOptions {
  readonly sample: Sample
  readonly popularity: Popularity
  readonly epoch: number
  /** The layout that this one would replace: names that were unsure in it stay so. */
  readonly current?: Layout | undefined
  readonly groupingCount: number
  readonly attributesPerGrouping: number
}

/**
 * The layout that fits what this node knows, signed by it. A function of sample, popularity and options alone. It has no groupings
 * where the sample is empty, or all its nodes are alike.
 */
export function proposeLayout(options: ProposalOptions, surroundings: Surroundings): Layout {
  const statistics = statisticsOf(options.sample.descriptors())
  const unsure = [...statistics.unsure, ...(options.current?.unsure ?? [])]
  const all = { ...statistics, unsure: new Set(unsure.slice(0, UNSURE_COUNT_MAX)) }
  const groupings = designGroupings(candidatesOf(all), options.popularity.summary(), {
    groupingCount: Math.min(options.groupingCount, GROUPING_COUNT_MAX),
    attributesPerGrouping: Math.min(options.attributesPerGrouping, GROUPING_ATTRIBUTES_MAX),
  })
  return signLayout(
    {
      epoch: options.epoch,
      sampleCount: statistics.nodeCount,
      unsure: [...all.unsure].sort(),
      ...withinBounds(groupings, all),
    },
    surroundings,
  )
}

/** Borders of very long texts may not fit: then the last groupings are left out. */
function withinBounds(
  groupings: readonly (readonly string[])[],
  { values, unsure }: Statistics,
): Pick<Layout, 'groupings' | 'borders'> {
  const borders: Record<string, Borders> = {}
  for (const name of groupings.flat()) borders[name] = bordersOf(values.get(name)!)
  if (charsOf({ groupings, borders, unsure: [...unsure] }) <= LAYOUT_CHARS_MAX) return { groupings, borders }
  return withinBounds(groupings.slice(0, -1), { nodeCount: 0, values, unsure })
}
