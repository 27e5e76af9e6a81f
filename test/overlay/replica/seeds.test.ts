import { describe, expect, test } from 'vitest'
import { RoostError } from '../../../overlay/index.ts'
import { PROFILES } from './faults.ts'
import { PLANTED, type PlantedBug } from './planted.ts'
import { turmoil } from './turmoil.ts'

/** About 20 ms of processor time each. `scripts/replica-seeds.ts` runs as many as one likes. */
const SEEDS_COUNT = 1_200
const SEEDS_AT_ONCE = 200
const FRESH_COUNT = 60
const FRESH_SEED = Math.floor(Date.now() / 1_000) % 1_000_000_000

describe('a group under loss, doubling, crashes that tear its disks, partitions, pauses, drifting clocks and changes of members', () => {
  const firsts = Array.from({ length: SEEDS_COUNT / SEEDS_AT_ONCE }, (_, index) => index * SEEDS_AT_ONCE)
  test.each(firsts)(
    'is linearizable, safe after every event, and whole again in calm: seeds from %i',
    async (first) => {
      for (let seed = first; seed < first + SEEDS_AT_ONCE; seed++) await told(seed)
    },
  )

  test('so it is for fresh seeds', async () => {
    for (let seed = FRESH_SEED; seed < FRESH_SEED + FRESH_COUNT; seed++) await told(seed)
  })

  test('the same seed is the same run', async () => {
    expect(await turmoil(7)).toEqual(await turmoil(7))
  })
})

describe('the same seeds find, planted from outside:', () => {
  test.each(PLANTED.map((bug) => [bug.name, bug] as const))('%s', async (_name, bug) => {
    expect(await seedThatFinds(bug)).toBeDefined()
  })
})

/** A failure says how to see it again. */
async function told(seed: number): Promise<void> {
  await turmoil(seed).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${thrown instanceof RoostError ? thrown.hint : ''}`, { cause: thrown })
  })
}

async function seedThatFinds({ profile, plants, plant }: PlantedBug): Promise<number | undefined> {
  const unplant = plant?.()
  try {
    const first = PROFILES.findIndex(({ name }) => name === profile)
    for (let seed = first; seed < SEEDS_COUNT; seed += PROFILES.length) if (await isBroken(seed, plants)) return seed
    return undefined
  } finally {
    unplant?.()
  }
}

/** A promise does not hold; a protocol that throws would be another mistake than the planted one. */
async function isBroken(seed: number, plants: PlantedBug['plants']): Promise<boolean> {
  try {
    await turmoil(seed, plants)
    return false
  } catch (thrown) {
    const invariant = thrown instanceof RoostError ? thrown.data?.['invariant'] : undefined
    if (invariant === undefined) throw thrown
    return true
  }
}
