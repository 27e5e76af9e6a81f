import type { Descriptor } from '../descriptor/index.ts'
import type { Box } from './boxes.ts'
import { groupingKeys } from './keys.ts'
import type { Layout } from './layout.ts'
import { regionsOf, type Regions } from './regions.ts'

export interface GroupingChoice {
  readonly groupingIndex: number
  readonly regions: Regions
  /** Share of all cells of the grouping that the query is expected to touch. */
  readonly share: number
}

export interface ChoiceOptions {
  /** How deep the cells of each grouping are about here: 2^depth of them stand for the whole. */
  readonly depths: readonly number[]
  /**
   * Nodes drawn from all. Attributes go together (who has many cores has much memory), so that far fewer parts of a grouping are
   * inhabited than could be, and what nodes there are tells more than the ranks alone.
   */
  readonly sampled?: readonly Descriptor[]
}

/** Under so many sampled nodes the ranks alone tell more. */
const SAMPLED_COUNT_MIN = 32

/** The groupings in which a query touches least, that first; empty where the layout has none. */
export function rankGroupings(layout: Layout, boxes: readonly Box[], options: ChoiceOptions): GroupingChoice[] {
  return layout.groupings
    .map((_, groupingIndex) => {
      const regions = regionsOf(layout, groupingIndex, boxes)
      return { groupingIndex, regions, share: shareOf(layout, groupingIndex, regions, options) }
    })
    .sort((one, other) => one.share - other.share)
}

/** The grouping in which a query touches the fewest cells; undefined where the layout has none. */
export function chooseGrouping(
  layout: Layout,
  boxes: readonly Box[],
  options: ChoiceOptions,
): GroupingChoice | undefined {
  return rankGroupings(layout, boxes, options)[0]
}

/** Sampled nodes stand for cells of equal size; the ranks break ties, and tell alone where too few nodes are sampled. */
function shareOf(
  layout: Layout,
  groupingIndex: number,
  regions: Regions,
  { depths, sampled = [] }: ChoiceOptions,
): number {
  const depth = depths[groupingIndex] ?? 0
  const ofRanks = regions.cellCount(depth) / 2 ** depth
  if (sampled.length < SAMPLED_COUNT_MIN) return ofRanks
  const touched = sampled.filter(
    (descriptor) => regions.overlaps(groupingKeys(layout, descriptor)[groupingIndex]!, depth) !== 'none',
  )
  return (touched.length + ofRanks) / (sampled.length + 1)
}
