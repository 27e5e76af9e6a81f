import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InternetGrid } from '../../support/internet-grid.ts'
import { until } from '../../support/machine.ts'
import { whyNoNamespaces } from '../../support/namespaces.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

const DAEMONS_COUNT = 5
/** Longer than everything that tells the living from the dead. An hour passes in simulation. */
const SLEEP_MS = 80_000
const BACK_MS_MAX = 10_000

describe.skipIf(whyNot !== undefined)('machines that sleep', () => {
  let grid: InternetGrid
  beforeAll(async () => {
    grid = await InternetGrid.of(DAEMONS_COUNT)
  })
  afterAll(() => grid?.end())

  test('are back in every view within 10 s of waking, and have everybody in their own, be it elsewhere', async () => {
    const { internet, members } = grid
    const [sleeper, mover] = [members[2]!, members[3]!]
    const awake = members.filter((member) => member !== sleeper && member !== mover)
    for (const { daemon } of [sleeper, mover]) daemon.kill('SIGSTOP')
    const sinceMs = performance.now()
    await until('they are missed', () => grid.agree(awake))
    // Closed at home, and opened in the office.
    internet.readdress(mover.host)
    await sleep(SLEEP_MS - (performance.now() - sinceMs))
    for (const { client } of awake) expect(await client.metric('roost_net_admitted_peers_count')).toBe(awake.length - 1)

    for (const { daemon } of [sleeper, mover]) daemon.kill('SIGCONT')
    await until('all see all', () => grid.isWhole(), BACK_MS_MAX)
    await until('all reach all', () => grid.answersWhole(), BACK_MS_MAX)
    expect((await mover.machine.run('run', '--', 'true')).status).toBe(0)
  })
})
