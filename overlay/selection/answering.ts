import type { Descriptor } from '../descriptor/index.ts'
import type { Surroundings } from '../env/index.ts'
import {
  commonPrefix,
  EMPTY_LAYOUT,
  prefixMatches,
  regionsOf,
  type Layout,
  type Plan,
  type Regions,
} from '../placement/index.ts'
import { SLOT_BITS, SLOT_COUNT, SLOT_SIZE } from './contacts.ts'
import { DEPTH_MAX, slotOf, type Grouping } from './grouping.ts'
import { REFERRAL_COUNT_MAX, type Referral, type Region } from './question.ts'

/** What one node can say of a region, of its own knowledge. */
export interface LocalAnswer {
  /** Members of its cell in the region that the query may match. */
  readonly matches: readonly Descriptor[]
  /** Members of its cell in the region. */
  readonly memberCount: number
  /** Who is to be asked for the rest of it. */
  readonly referrals: readonly Referral[]
}

/** The whole space. */
export const EVERYWHERE: Omit<Region, 'key'> = { depth: 0, skip: 0 }

/** The regions that a plan touches in one grouping; `undefined` is the home grouping. */
export function touchedRegions(layout: Layout | undefined, grouping: number, plan: Plan): Regions {
  return regionsOf(layout ?? EMPTY_LAYOUT, layout === undefined ? undefined : grouping - 1, plan.boxes)
}

/**
 * Answers for a region of a grouping: from the cell as far as it lies in the region, and by naming contacts for the rest. A contact in a
 * slot answers for that part; parts that the query touches and nobody here is known in fall to one of the others at the same
 * level, who is nearer to them.
 */
export function answerLocally(
  grouping: Grouping,
  region: Region,
  query: { readonly plan: Plan; readonly regions: Regions; readonly isFirst: boolean },
  surroundings: Surroundings,
): LocalAnswer {
  const { ownKey, depth } = grouping
  const shared = commonPrefix(ownKey, region.key)
  if (shared < Math.min(region.depth, depth)) {
    const contacts = grouping.nearer(region.key, 2, surroundings.rng)
    return { matches: [], memberCount: 0, referrals: contacts.length > 0 ? [{ ...region, contacts }] : [] }
  }
  const matches: Descriptor[] = []
  let memberCount = 0
  for (const member of grouping.cell.descriptors()) {
    if (!isWithin(grouping.keyOf(member), region)) continue
    memberCount++
    if (query.plan.admits(member, surroundings)) matches.push(member)
  }
  const referrals: Referral[] = []
  for (let level = region.depth; level < depth && referrals.length < REFERRAL_COUNT_MAX - SLOT_COUNT; level++)
    referrals.push(...referralsAt(level, grouping, region, query))
  return { matches, memberCount, referrals }
}

/** Whether a key lies in the region. */
function isWithin(key: number, region: Region): boolean {
  return prefixMatches(key, region.key, region.depth) && ((region.skip >>> partOf(key, region.depth)) & 1) === 0
}

/** Which of its eight parts a key lies in that lies in the region. */
function partOf(key: number, depth: number): number {
  return slotOf(key, depth - 1)
}

/**
 * Whom to ask at one level. Slots that one cell is likely to hold, going by the depth here, are one part of the region: asking for each
 * would be to ask the same cell again and again.
 */
function referralsAt(
  level: number,
  grouping: Grouping,
  region: Region,
  { regions, isFirst }: { readonly regions: Regions; readonly isFirst: boolean },
): Referral[] {
  const sibling = grouping.ownKey ^ (1 << (DEPTH_MAX - 1 - level))
  const bits = Math.min(SLOT_BITS, grouping.depth - level - 1)
  const slotsEach = SLOT_COUNT >>> bits
  const referrals: Referral[] = []
  let asked = 0
  let unknown = 0
  for (let first = 0; first < SLOT_COUNT; first += slotsEach) {
    const key = keyOfPart(sibling, level + 1, first)
    const depth = level + 1 + bits
    const skip = skipped(key, depth, region, regions)
    if (skip === ALL_PARTS) continue
    const slots = ((1 << slotsEach) - 1) << first
    const contacts = contactsIn(grouping, level, first, slotsEach)
    if (contacts.length === 0) unknown |= slots
    else {
      if (referrals.length === 0) asked = slots
      referrals.push({ key, depth, skip, contacts })
    }
  }
  if (unknown === 0) return referrals
  const contacts = referrals[0]?.contacts ?? (isFirst ? grouping.contacts.level(level).slice(0, SLOT_SIZE) : [])
  if (contacts.length === 0) return referrals
  const skip = skipped(sibling, level + 1, region, regions) | (ALL_PARTS & ~(unknown | asked))
  return [{ key: sibling, depth: level + 1, skip, contacts }, ...referrals.slice(1)]
}

function contactsIn(grouping: Grouping, level: number, first: number, count: number): Descriptor[] {
  const contacts: Descriptor[] = []
  for (let slot = first; slot < first + count && contacts.length < SLOT_SIZE; slot++)
    contacts.push(...grouping.contacts.slot(level, slot))
  return contacts.slice(0, SLOT_SIZE)
}

/** Which of the eight parts of a prefix nobody asks for, or no match can be in. */
function skipped(key: number, depth: number, region: Region, regions: Regions): number {
  let skip = 0
  for (let part = 0; part < SLOT_COUNT; part++) {
    const within = keyOfPart(key, depth, part)
    const partDepth = Math.min(depth + SLOT_BITS, DEPTH_MAX)
    if (!isWithin(within, region) || regions.overlaps(within, partDepth) === 'none') skip |= 1 << part
  }
  return skip
}

/** A key with this prefix, and the part's bits after it. */
function keyOfPart(key: number, depth: number, part: number): number {
  const shift = DEPTH_MAX - depth - SLOT_BITS
  if (shift < 0) return key
  return (key & ~((SLOT_COUNT - 1) << shift)) | (part << shift)
}

const ALL_PARTS = (1 << SLOT_COUNT) - 1
