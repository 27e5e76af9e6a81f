export { BOX_COUNT_MAX, isWithin, type Box } from './boxes.ts'
export { chooseGrouping, rankGroupings, type ChoiceOptions, type GroupingChoice } from './grouping-choice.ts'
export { driftOf, isWorthMoving } from './drift.ts'
export { GROUPING_DEFAULTS, type GroupingLimits } from './grouping-design.ts'
export { commonPrefix, groupingKeys, KEY_BITS, prefixMatches } from './keys.ts'
export {
  checkLayout,
  EMPTY_LAYOUT,
  GROUPING_ATTRIBUTES_MAX,
  GROUPING_COUNT_MAX,
  LAYOUT_BYTES_MAX,
  LayoutChecker,
  layoutId,
  readLayout,
  supersedes,
  type Layout,
} from './layout.ts'
export { Plan, planQuery } from './plan.ts'
export { Popularity, readPopularity, type AskedSet, type PopularitySummary } from './popularity.ts'
export { proposeLayout, type ProposalOptions } from './propose.ts'
export { regionsOf, type Overlap, type Regions } from './regions.ts'
export { Sample, SAMPLE_COUNT_MAX } from './sample.ts'
