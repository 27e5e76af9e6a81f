import type { Descriptor } from '../descriptor/index.ts'
import { RANK_COUNT, type RankRange, type RankTable } from './borders.ts'
import {
  candidatesOf,
  designGroupings,
  GROUPING_DEFAULTS,
  servedShare,
  type GroupingLimits,
} from './grouping-design.ts'
import { standingOf } from './keys.ts'
import { placesIn } from './layout-index.ts'
import type { Layout } from './layout.ts'
import type { Popularity } from './popularity.ts'
import type { Sample } from './sample.ts'
import { statisticsOf, unsureIn } from './statistics.ts'

/**
 * How often a population that has not changed may look as if it had, for one sample and all attributes together. A grid draws
 * samples for years, so that it is less than one in all of these.
 */
const FALSE_ALARM_SHARE = 1e-12
/** The same for the sample that a layout is made of, which is drawn once. */
const BAD_LAYOUT_SHARE = 1e-6

/** Sampled nodes, and queries, from which on anything is concluded. A layout that says it was made of fewer is held to so many. */
const SAMPLE_COUNT_MIN = 64
const ASKED_WEIGHT_MIN = 8

/**
 * How far the nodes of a sample stand from where a layout has them, beyond what chance explains: over its attributes the greatest
 * difference between the share of nodes below a border and the share that the border stands for (Kolmogorov and Smirnov), less
 * the bounds for both samples (Dvoretzky, Kiefer, Wolfowitz, with Massart's constant). 0 where chance explains it, below 1.
 */
export function driftOf(layout: Layout, sample: Sample): number {
  const { tables } = placesIn(layout)
  const standings = sample.descriptors().map((descriptor) => standingOf(layout, descriptor))
  if (standings.length === 0 || tables.length === 0) return 0
  const greatest = tables.map((table, index) =>
    deviationOf(
      table,
      standings.map(({ ranges }) => ranges[index]!),
    ),
  )
  const chance =
    chanceOf(standings.length, FALSE_ALARM_SHARE / tables.length) +
    chanceOf(Math.max(layout.sampleCount, SAMPLE_COUNT_MIN), BAD_LAYOUT_SHARE / tables.length)
  return Math.max(0, Math.max(...greatest) - chance)
}

/** What the shares of a sample deviate from those of the whole at most, but for this probability. */
function chanceOf(count: number, probability: number): number {
  return Math.sqrt(Math.log(2 / probability) / (2 * count))
}

/**
 * Below a value that stands for the borders from the i-th to the j-th are (i - 1)/64 to i/64 of all nodes; with its own they are j/64
 * to (j + 1)/64. The latter is looked at for values of many nodes, which alone stand for several ranks.
 */
function deviationOf(table: RankTable, ranges: readonly RankRange[]): number {
  const lasts = new Uint16Array(RANK_COUNT)
  const between = new Uint16Array(RANK_COUNT)
  for (const { first, last } of ranges) {
    lasts[last]!++
    if (first === last) between[last]!++
  }
  let greatest = 0
  let at = 0
  let count = 0
  const countUntil = (rank: number): number => {
    while (at < rank) count += lasts[at++]!
    return count
  }
  for (const { first, last } of table.spread) {
    const below = countUntil(first) / ranges.length
    greatest = Math.max(greatest, outside(below, (first - 1) / RANK_COUNT, first / RANK_COUNT))
    if (first === last) continue
    const upTo = (countUntil(last + 1) - between[last]!) / ranges.length
    greatest = Math.max(greatest, outside(upTo, last / RANK_COUNT, (last + 1) / RANK_COUNT))
  }
  return greatest
}

function outside(share: number, min: number, max: number): number {
  return Math.max(0, min - share, share - max)
}

/** How much better all queries together must be served for it to be worth that everyone changes cells: of 1. */
const SERVED_GAIN_MIN = 0.25

/**
 * Whether all nodes should move to a new layout: clearly drifted populations, an attribute that has lost its one meaning, or
 * queries that groupings made now would serve clearly better. Chance alone never says so (see `driftOf`); a layout that was just made
 * from the same sample is never worth leaving.
 */
export function isWorthMoving(
  layout: Layout,
  sample: Sample,
  popularity: Popularity,
  limits: GroupingLimits = GROUPING_DEFAULTS,
): boolean {
  const descriptors = sample.descriptors()
  if (descriptors.length < SAMPLE_COUNT_MIN) return false
  const unsure = unsureIn(descriptors)
  if (layout.groupings.flat().some((name) => unsure.has(name))) return true
  return driftOf(layout, sample) > 0 || wouldServeBetter(layout, descriptors, popularity, limits)
}

function wouldServeBetter(
  layout: Layout,
  descriptors: readonly Descriptor[],
  popularity: Popularity,
  limits: GroupingLimits,
): boolean {
  const asked = popularity.summary()
  const weight = asked.reduce((sum, set) => sum + set.weight, 0)
  if (weight < ASKED_WEIGHT_MIN && layout.groupings.length > 0) return false
  const statistics = statisticsOf(descriptors)
  const unsure = new Set([...statistics.unsure, ...layout.unsure])
  const candidates = candidatesOf({ ...statistics, unsure })
  if (layout.groupings.length === 0) return candidates.length > 0
  const worths = new Map(candidates.map(({ name, worth }) => [name, worth]))
  const served = (groupings: readonly (readonly string[])[]): number =>
    asked.reduce((sum, set) => sum + (set.weight / weight) * servedShare(set, groupings, worths, limits), 0)
  return served(designGroupings(candidates, asked, limits)) - served(layout.groupings) >= SERVED_GAIN_MIN
}
