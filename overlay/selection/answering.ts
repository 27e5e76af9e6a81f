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
import { SLOT_BITS, SLOT_COUNT } from './contacts.ts'
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

function referralsAt(
  level: number,
  grouping: Grouping,
  region: Region,
  { regions, isFirst }: { readonly regions: Regions; readonly isFirst: boolean },
): Referral[] {
  const sibling = grouping.ownKey ^ (1 << (DEPTH_MAX - 1 - level))
  const referrals: Referral[] = []
  let unknown = 0
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const key = keyOfSlot(sibling, level, slot)
    const depth = Math.min(level + 1 + SLOT_BITS, DEPTH_MAX)
    if (!isWithin(key, region) || regions.overlaps(key, depth) === 'none') continue
    const contacts = grouping.contacts.slot(level, slot)
    if (contacts.length > 0) referrals.push({ key, depth, skip: 0, contacts })
    else unknown |= 1 << slot
  }
  if (unknown === 0) return referrals
  const [first] = referrals
  const contacts = first?.contacts ?? (isFirst ? grouping.contacts.level(level).slice(0, 2) : [])
  if (contacts.length === 0) return referrals
  const taken = first === undefined ? 0 : 1 << slotOf(first.key, level)
  const wide: Referral = { key: sibling, depth: level + 1, skip: ALL_SLOTS & ~(unknown | taken), contacts }
  return [wide, ...referrals.slice(1)]
}

/** The sibling's key, with the bits that follow set to the slot's. */
function keyOfSlot(sibling: number, level: number, slot: number): number {
  const shift = DEPTH_MAX - 1 - level - SLOT_BITS
  if (shift < 0) return sibling
  return (sibling & ~((SLOT_COUNT - 1) << shift)) | (slot << shift)
}

const ALL_SLOTS = (1 << SLOT_COUNT) - 1
