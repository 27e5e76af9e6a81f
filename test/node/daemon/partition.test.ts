import { expect, test } from 'vitest'
import { whyNoNamespaces } from '../../support/namespaces.ts'
import { partition } from '../../support/partition.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

/** `node scripts/partition.ts` does the same with ten daemons in each half. */
test.skipIf(whyNot !== undefined)(
  'halves that are cut from each other go on as far as each can, and are one grid again soon after healing',
  { timeout: 400_000 },
  async () => {
    const { faults, acknowledgedCount, jobsCount } = await partition({ halfCount: 4, cutMs: 60_000 })
    expect(faults).toEqual([])
    expect(acknowledgedCount).toBeGreaterThan(10)
    expect(jobsCount).toBeGreaterThan(4)
  },
)
