import { expect, test } from 'vitest'
import { torture } from '../../support/torture.ts'

const seconds = Number(process.env['ROOST_TEST_TORTURE_SECONDS'] ?? 12)

test(
  'killed at random moments, for ROOST_TEST_TORTURE_SECONDS, a daemon loses no acknowledged job and starts no unit twice',
  async () => {
    const seed = Number(process.env['ROOST_TEST_SEED'] ?? Date.now() % 1_000_000)
    console.info(`replay: node scripts/torture.ts ${seconds} ${seed}`)
    const report = await torture({ seed, forMs: seconds * 1_000 })
    expect(report.faults).toEqual([])
    expect(report.kills).toBeGreaterThan(0)
  },
  seconds * 1_000 + 120_000,
)
