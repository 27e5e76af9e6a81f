import { RANK_COUNT, type Borders } from './borders.ts'
import {
  candidatesOf,
  designGroupings,
  GROUPING_DEFAULTS,
  servedShare,
  type GroupingLimits,
} from './grouping-design.ts'
import type { Layout } from './layout.ts'
import { compareOrdered, type Ordered } from './ordered.ts'
import type { Popularity } from './popularity.ts'
import type { Sample } from './sample.ts'
import { statisticsOf, type Statistics } from './statistics.ts'

/**
 * How often a population that has not changed may look as if it had, for one sample and all attributes together. A grid draws
 * samples for years, so that it is less than one in all of these.
 */
const FALSE_ALARM_SHARE = 1e-12
/** The same for the sample that a layout is made of, which is drawn once. */
const BAD_LAYOUT_SHARE = 1e-6

/**
 * How far the nodes of a sample stand from where a layout has them, beyond what chance explains: over its attributes the greatest
 * difference between the share of nodes below a border and the share that the border stands for (Kolmogorov and Smirnov), less
 * the bounds for both samples (Dvoretzky, Kiefer, Wolfowitz, with Massart's constant). 0 where chance explains it, below 1.
 */
export function driftOf(layout: Layout, sample: Sample): number {
  return driftIn(layout, statisticsOf(sample.descriptors()))
}

function driftIn(layout: Layout, { nodeCount, values }: Statistics): number {
  const names = [...new Set(layout.groupings.flat())]
  if (nodeCount === 0 || layout.sampleCount === 0 || names.length === 0) return 0
  const absent: readonly Ordered[] = Array.from({ length: nodeCount }, () => null)
  const greatest = names.map((name) => deviationOf(layout.borders[name]!, values.get(name) ?? absent))
  const chance =
    chanceOf(nodeCount, FALSE_ALARM_SHARE / names.length) +
    chanceOf(layout.sampleCount, BAD_LAYOUT_SHARE / names.length)
  return Math.max(0, Math.max(...greatest) - chance)
}

/** What the shares of a sample deviate from those of the whole at most, but for this probability. */
function chanceOf(count: number, probability: number): number {
  return Math.sqrt(Math.log(2 / probability) / (2 * count))
}

/** A value that stands for the borders from the i-th to the j-th has at most i/64 of all nodes below it, and at least j/64 up to it. */
function deviationOf({ values, counts }: Borders, ascending: readonly Ordered[]): number {
  let greatest = 0
  let before = 0
  let at = 0
  for (const [index, value] of values.entries()) {
    const until = before + counts[index]!
    while (at < ascending.length && compareOrdered(ascending[at]!, value) < 0) at++
    const below = at / ascending.length
    while (at < ascending.length && compareOrdered(ascending[at]!, value) === 0) at++
    const upTo = at / ascending.length
    greatest = Math.max(
      greatest,
      outside(below, before / RANK_COUNT, (before + 1) / RANK_COUNT),
      outside(upTo, until / RANK_COUNT, (until + 1) / RANK_COUNT),
    )
    before = until
  }
  return greatest
}

function outside(share: number, min: number, max: number): number {
  return Math.max(0, min - share, share - max)
}

/** Sampled nodes, and queries, from which on anything is concluded. */
const SAMPLE_COUNT_MIN = 64
const ASKED_WEIGHT_MIN = 8
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
  const statistics = statisticsOf(sample.descriptors())
  if (statistics.nodeCount < SAMPLE_COUNT_MIN) return false
  if (layout.groupings.flat().some((name) => statistics.unsure.has(name))) return true
  return driftIn(layout, statistics) > 0 || wouldServeBetter(layout, statistics, popularity, limits)
}

function wouldServeBetter(
  layout: Layout,
  statistics: Statistics,
  popularity: Popularity,
  limits: GroupingLimits,
): boolean {
  const asked = popularity.summary()
  const weight = asked.reduce((sum, set) => sum + set.weight, 0)
  if (weight < ASKED_WEIGHT_MIN && layout.groupings.length > 0) return false
  const unsure = new Set([...statistics.unsure, ...layout.unsure])
  const candidates = candidatesOf({ ...statistics, unsure })
  if (layout.groupings.length === 0) return candidates.length > 0
  const worths = new Map(candidates.map(({ name, worth }) => [name, worth]))
  const served = (groupings: readonly (readonly string[])[]): number =>
    asked.reduce((sum, set) => sum + (set.weight / weight) * servedShare(set, groupings, worths, limits), 0)
  return served(designGroupings(candidates, asked, limits)) - served(layout.groupings) >= SERVED_GAIN_MIN
}
