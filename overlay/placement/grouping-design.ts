import { knownAttribute } from '../attributes/index.ts'
import type { AskedSet } from './popularity.ts'
import { bitsOf, bordersOf, type Statistics } from './statistics.ts'

/** An attribute that a grouping may have. */
export interface Candidate {
  readonly name: string
  /** What it is worth to a query that constrains it, 0 to 1. */
  readonly worth: number
  /** Where nobody asks for anything, the lowest first. */
  readonly order: number
}

export interface GroupingLimits {
  readonly groupingCount: number
  readonly attributesPerGrouping: number
}

/** More groupings cost each node a cell more; more attributes in one leave each of them fewer bits of a cell's name. */
export const GROUPING_DEFAULTS: GroupingLimits = { groupingCount: 4, attributesPerGrouping: 4 }

/** An attribute under it has one value on practically all nodes. */
const BITS_MIN = 0.05
/** One over it tells nodes apart well enough to be worth a place without being asked for. */
const BITS_FIT = 0.25
/** Of the nodes that have a text, the share that differ, from which on it is a name: nobody asks for a range of it. */
const NAME_LIKE_SHARE = 0.5

/** The attributes of a sample that can stand in a grouping, best first. */
export function candidatesOf({ values, unsure }: Statistics): Candidate[] {
  const candidates: Candidate[] = []
  for (const [name, ascending] of values) {
    if (unsure.has(name)) continue
    const bits = bitsOf(ascending, bordersOf(ascending))
    if (bits < BITS_MIN) continue
    const texts = ascending.filter((value) => typeof value === 'string')
    const isNameLike = new Set(texts).size > Math.max(1, texts.length * NAME_LIKE_SHARE)
    const rank = isNameLike ? 3 : bits < BITS_FIT ? 2 : knownAttribute(name) === undefined ? 1 : 0
    candidates.push({ name, worth: Math.min(1, 0.5 + bits / 2) * (isNameLike ? 0.25 : 1), order: rank * 8 - bits })
  }
  return candidates.sort((one, other) => one.order - other.order || (one.name < other.name ? -1 : 1))
}

/**
 * What jobs ask for before anyone has asked here: the resources that JSDL (GFD.136, section 6.4) and GLUE put side by side. All
 * together weigh less than one query.
 */
const EXPECTED: readonly AskedSet[] = [
  ['cores', 'memory', 'disk'],
  ['cores', 'memory', 'gpus'],
  ['cpuspeed', 'memory'],
  ['cpuspeed', 'arch'],
  ['cores', 'site'],
  ['arch', 'os', 'osversion'],
  ['gpus', 'gpumodel', 'gpumemory'],
  ['bandwidth', 'disk'],
].map((names) => ({ names, weight: 0.1 }))

/** An attribute that would serve a grouping's queries less than this share of what its first one does only blunts the others. */
const GAIN_SHARE_MIN = 0.05

/**
 * Which attributes stand together. Each grouping begins with the attribute that is most wanted by the queries which the groupings
 * before serve worst, and takes those that these queries constrain with it. What is worth a place and was given none fills the rest:
 * further groupings first, then free places, so that attributes nobody asks for do not blunt those that are asked for.
 */
export function designGroupings(
  candidates: readonly Candidate[],
  asked: readonly AskedSet[],
  limits: GroupingLimits,
): string[][] {
  const worths = new Map(candidates.map(({ name, worth }) => [name, worth]))
  const sets = [...asked, ...EXPECTED].map(({ names, weight }) => ({
    names: names.filter((n) => worths.has(n)),
    weight,
  }))
  const groupings: string[][] = []
  while (groupings.length < limits.groupingCount) {
    const open = sets.map(({ names, weight }) => ({
      names,
      weight: weight * (1 - servedShare({ names, weight }, groupings, worths, limits)),
    }))
    const grouping = growGrouping(candidates, open, limits.attributesPerGrouping)
    if (grouping.length === 0) break
    groupings.push(grouping)
  }
  fill(groupings, candidates, limits)
  return groupings
}

/** Attributes of one grouping, the most wanted first; none where no query is left that wants any. */
function growGrouping(candidates: readonly Candidate[], open: readonly AskedSet[], countMax: number): string[] {
  const grouping: string[] = []
  let firstGain = 0
  while (grouping.length < countMax) {
    let best: { name: string; gain: number } | undefined
    for (const { name, worth } of candidates) {
      if (grouping.includes(name)) continue
      const gain = worth * open.reduce((sum, set) => sum + (set.names.includes(name) ? pull(set, grouping) : 0), 0)
      if (gain > (best?.gain ?? 0)) best = { name, gain }
    }
    if (best === undefined || best.gain < Math.max(GAIN_MIN, firstGain * GAIN_SHARE_MIN)) break
    if (grouping.length === 0) firstGain = best.gain
    grouping.push(best.name)
  }
  return grouping
}

/** Rounding leaves a little of queries that are served in full. */
const GAIN_MIN = 1e-6

/** How much a set pulls one of its names into a grouping: by what it has there already. */
function pull({ names, weight }: AskedSet, grouping: readonly string[]): number {
  if (grouping.length === 0) return weight
  return (weight * names.filter((name) => grouping.includes(name)).length) / names.length
}

function fill(groupings: string[][], candidates: readonly Candidate[], limits: GroupingLimits): void {
  const placed = new Set(groupings.flat())
  const left = candidates
    .filter(({ name, order }) => !placed.has(name) && order < FILLER_ORDER_MAX)
    .map(({ name }) => name)
  const further = Math.min(limits.groupingCount - groupings.length, left.length)
  const opened = Array.from({ length: further }, (): string[] => [])
  groupings.push(...opened)
  for (const name of left) {
    const [home] = (opened.some(hasRoom) ? opened : groupings).filter(hasRoom).sort(byLength)
    home?.push(name)
  }

  function hasRoom(grouping: readonly string[]): boolean {
    return grouping.length < limits.attributesPerGrouping
  }
}

function byLength(one: readonly string[], other: readonly string[]): number {
  return one.length - other.length
}

/** Above stand attributes that tell little, and names. */
const FILLER_ORDER_MAX = 8

/** How well a set of names is served by the best of the groupings, of what one grouping could do for it: 0 to 1. */
export function servedShare(
  { names }: AskedSet,
  groupings: readonly (readonly string[])[],
  worths: ReadonlyMap<string, number>,
  { attributesPerGrouping }: GroupingLimits,
): number {
  const wanted = names.map((name) => worths.get(name) ?? 0).sort((one, other) => other - one)
  const most = sum(wanted.slice(0, attributesPerGrouping))
  if (most === 0) return 1
  const served = groupings.map((grouping) =>
    sum(grouping.map((name) => (names.includes(name) ? (worths.get(name) ?? 0) : 0))),
  )
  return Math.min(1, Math.max(0, ...served) / most)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
