import { describe, expect, test } from 'vitest'
import * as codec from '../../../node/codec/index.ts'
import { play, type PlayOptions, type Report } from '../../../sim/play.ts'
import { SCENARIOS } from '../../../sim/scenario/index.ts'
import { settingsInForce, type GivenSettings } from '../../../sim/settings.ts'

async function run(
  name: string,
  nodesCount: number,
  given: GivenSettings = {},
  { seed = 1, passage = 'plain' }: Partial<Pick<PlayOptions, 'seed' | 'passage'>> = {},
): Promise<Report> {
  return await play(SCENARIOS.get(name)!, { nodesCount, seed, passage, given, progress: () => {} })
}

test('overlay: all agree after joining, after losing half, and after its return, and find what there is', async () => {
  const { sections } = await run('overlay', 24, {}, { seed: 3, passage: 'strict' })
  expect(sections['overlay']).toMatchObject({
    joinAgreement: 1,
    killedCount: 12,
    lossAgreement: 1,
    returnAgreement: 1,
    recall: 1,
    wrongCount: 0,
    refusedCount: 0,
  })
})

test('sampling: views are as random as a random graph, with every figure of the document', async () => {
  const { sections } = await run('sampling', 300, { cycles: '6' })
  const figures = sections['sampling']! as Record<string, number>
  expect(figures).toMatchObject({ deadLinkShare: 0, components: 1, outsideLargest: 0, attackerShare: 0, eclipsed: 0 })
  expect(figures['inDegreeSd']).toBeLessThan(4.5)
  expect(figures['clustering']! / figures['clusteringRandom']!).toBeLessThan(1.1)
  expect(figures['pathLength']).toBeGreaterThan(1)
  expect(sections['sampling']!['series']).toMatchObject({ cycle: [1, 2, 3, 4, 5, 6], components: [1, 1, 1, 1, 1, 1] })
})

test('massacre: what is left is one grid that forgets the dead', async () => {
  const { sections } = await run('massacre', 200, { cycles: '25', kill: '0.5@2' })
  expect(sections['massacre']).toMatchObject({ killedCount: 100, connectedAfterCycles: 1 })
  expect(sections['sampling']).toMatchObject({ components: 1, outsideLargest: 0 })
  const { deadLinkShare } = sections['sampling']!['series'] as Record<string, number[]>
  expect(deadLinkShare![0]).toBe(0)
  expect(deadLinkShare![1]).toBeGreaterThan(0.1)
  expect(deadLinkShare!.at(-1)).toBeLessThan(0.01)
})

test('membership: the dead are found, and nobody else', async () => {
  const { sections } = await run('membership', 30, { cycles: '8', kill: '0.1@2' })
  const { detections, detectMs, falsePositives, bytesPerNodePerSecond } = sections['membership']! as {
    detections: number
    detectMs: { p50: number; p99: number }
    falsePositives: number
    bytesPerNodePerSecond: number
  }
  expect(detections).toBe(3 * 27)
  expect(falsePositives).toBe(0)
  expect(detectMs.p50).toBeGreaterThan(0)
  expect(detectMs.p99).toBeLessThan(20_000)
  expect(bytesPerNodePerSecond).toBeGreaterThan(0)
})

test('selection: a small grid answers on the spot, and nothing is wrong or missing', async () => {
  const { sections } = await run('selection', 40, { cycles: '4', queries: '20', share: '0.1', want: 'all' })
  expect(sections['selection']).toMatchObject({
    queries: 20,
    recall: 1,
    recallSettled: 1,
    satisfied: 1,
    wrong: 0,
    roundTrips: { p99: 0 },
  })
})

test('churn: who is there is found while a tenth comes and goes in each cycle', async () => {
  const { sections } = await run('churn', 40, { cycles: '6', churn: '0.1', queries: '30', share: '0.2' })
  const { recallSettled, wrong, queries, askersLost } = sections['selection']! as Record<string, number>
  expect(wrong).toBe(0)
  expect(queries! + askersLost!).toBe(30)
  expect(recallSettled).toBeGreaterThan(0.95)
  expect(sections['membership']!['detections']).toBeGreaterThan(100)
})

test('partition: the halves find each other again', async () => {
  const { sections } = await run('partition', 24, { cycles: '50', queries: '40', share: '0.3' })
  expect(sections['sampling']).toMatchObject({ components: 1 })
  expect(sections['partition']!['foundCycle']).toBeTypeOf('number')
})

test('flash-crowd: everybody who comes at once is found', async () => {
  const { sections } = await run('flash-crowd', 60, { cycles: '22', queries: '30', share: '0.2' })
  expect(sections['flash-crowd']).toMatchObject({ firstCount: 3, crowdCount: 57 })
  expect(sections['flash-crowd']!['foundCycle']).toBeTypeOf('number')
})

test('swizzle: links that stop one by one and revive in another order leave one grid', async () => {
  const { sections } = await run('swizzle', 18, { cycles: '44', queries: '30', share: '0.3' })
  expect(sections['swizzle']).toMatchObject({ stoppedCount: 6, healedCycle: 22 })
  expect(sections['sampling']).toMatchObject({ components: 1 })
})

test('what is set of queries that are made up is no setting of those of a file', () => {
  const { selection } = Object.fromEntries(SCENARIOS)
  expect(settingsInForce(selection!, { want: '5' })).toMatchObject({ constrain: '3', share: '0.0125', want: '5' })
  expect(settingsInForce(selection!, { queries: 'some.jsonl' })).not.toHaveProperty('constrain')
})

describe('a run is a function of its seed', () => {
  const SMALL: readonly (readonly [name: string, nodes: number, given: GivenSettings])[] = [
    ['sampling', 60, { cycles: '2', churn: '0.05' }],
    ['churn', 16, { cycles: '2', queries: '5', share: '0.3', churn: '0.1' }],
    ['churn', 16, { cycles: '2', queries: '5', share: '0.3', churn: 'skype06', latency: 'coordinates:80' }],
  ]

  test.each(SMALL)('%s with %s nodes, %o', async (name, nodes, given) => {
    const [one, again, other] = [
      await run(name, nodes, given),
      await run(name, nodes, given),
      await run(name, nodes, given, { seed: 2 }),
    ]
    expect(again.traceHash).toBe(one.traceHash)
    expect(again.sections).toEqual(one.sections)
    expect(other.traceHash).not.toBe(one.traceHash)
  })

  test('and comes to the same figures where all crosses as bytes', async () => {
    const given = { cycles: '2', queries: '5', share: '0.3' }
    const [plain, bytes] = [await run('selection', 16, given), await run('selection', 16, given, { passage: codec })]
    for (const name of ['recall', 'satisfied', 'wrong', 'contacts', 'findMs', 'stateDescriptors'])
      expect(bytes.sections['selection']![name]).toEqual(plain.sections['selection']![name])
  })
})
