import { expect, test } from 'vitest'
import { play } from '../../../sim/play.ts'
import { SCENARIOS } from '../../../sim/scenario/index.ts'
import type { GivenSettings } from '../../../sim/settings.ts'

/**
 * The same on every machine. A change of a protocol, or of the engine's order, gives other traces: whoever means it has
 * the new ones written here by `npx vitest run test/sim/scenario/pinned.test.ts -u`.
 */
async function traceOf(name: string, nodesCount: number, given: GivenSettings): Promise<string> {
  const scenario = SCENARIOS.get(name)!
  const { traceHash } = await play(scenario, { nodesCount, seed: 1, passage: 'plain', given, progress: () => {} })
  return traceHash
}

test('the trace of smoke', async () => {
  expect(await traceOf('smoke', 50, {})).toMatchInlineSnapshot(`"f08df03b58526374"`)
})

test('the trace of sampling, with churn from measured sessions', async () => {
  expect(await traceOf('sampling', 40, { cycles: '2', churn: 'websites02' })).toMatchInlineSnapshot(
    `"da1dd9ec4962438b"`,
  )
})

test('the trace of selection, among synthetic hosts that have places', async () => {
  const given = { cycles: '2', queries: '5', share: '0.3', population: 'synthetic', latency: 'coordinates:80' }
  expect(await traceOf('selection', 12, given)).toMatchInlineSnapshot(`"f7e3b2f18ad3e275"`)
})
