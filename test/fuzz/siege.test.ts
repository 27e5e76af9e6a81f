import { expect, test } from 'vitest'
import { MANY_CELLS, Siege } from './siege.ts'

/** Lies that are well formed, told to the protocols as they run. `node scripts/fuzz.ts` tells as many as one likes. */

const FIXED_SEED = 1
const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

test.each([
  { seed: FIXED_SEED, liesCount: 1_500, how: 'of one cell', options: {} },
  { seed: FRESH_SEED, liesCount: 1_500, how: 'of one cell', options: {} },
  { seed: FRESH_SEED, liesCount: 400, how: 'of many cells', options: MANY_CELLS },
])('a grid $how that is lied to holds only what was signed, and heals (seed $seed)', async (story) => {
  const siege = new Siege({ seed: story.seed, ...story.options })
  await siege.settle()
  await siege.lie(story.liesCount)
  expect(siege.liesCount).toBe(story.liesCount)
  expect([...siege.refusedBy.keys()].filter((reason) => reason.endsWith('forged')).length).toBeGreaterThan(1)
  await siege.heal()
})
