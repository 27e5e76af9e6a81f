import { expect, test } from 'vitest'
import { Siege } from './siege.ts'

/** Lies that are well formed, told to the protocols as they run. `node scripts/fuzz.ts` tells as many as one likes. */

const FIXED_SEED = 1
const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const LIES_COUNT = 2_000

test.each([FIXED_SEED, FRESH_SEED])(
  `${LIES_COUNT} lies to discovery leave no trace in what honest nodes hold, and the grid heals (seed %i)`,
  async (seed) => {
    const siege = new Siege({ seed })
    await siege.settle()
    await siege.lie(LIES_COUNT)
    expect(siege.liesCount).toBe(LIES_COUNT)
    const reasons = [...siege.refusedBy.keys()]
    expect(reasons.filter((reason) => reason.endsWith('forged')).length).toBeGreaterThan(0)
    await siege.heal()
  },
)
