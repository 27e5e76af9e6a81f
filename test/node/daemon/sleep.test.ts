import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InternetGrid, namesOf } from '../../support/internet-grid.ts'
import { until } from '../../support/machine.ts'
import { whyNoNamespaces } from '../../support/namespaces.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

const DAEMONS_COUNT = 5
/** Longer than everything that tells the living from the dead. An hour passes in simulation. */
const SLEEP_MS = 80_000
const BACK_MS_MAX = 10_000

describe.skipIf(whyNot !== undefined)('a machine that sleeps', () => {
  let grid: InternetGrid
  beforeAll(async () => {
    grid = await InternetGrid.of(DAEMONS_COUNT)
  })
  afterAll(() => grid?.end())

  test('is back in every view within 10 s of waking, and has everybody in its own', { timeout: 240_000 }, async () => {
    const { members } = grid
    const sleeper = members[2]!
    const others = members.filter((member) => member !== sleeper)
    sleeper.daemon.kill('SIGSTOP')
    const sinceMs = performance.now()
    await until('it is missed', () => grid.agree(others))
    await sleep(SLEEP_MS - (performance.now() - sinceMs))
    for (const other of others)
      expect(await other.client.metric('roost_net_admitted_peers_count')).toBe(others.length - 1)

    sleeper.daemon.kill('SIGCONT')
    await until('all see all', () => grid.isWhole(), BACK_MS_MAX)
    for (const member of members) expect(await grid.found(member)).toEqual(namesOf(members))
    expect((await sleeper.machine.run('run', '--', 'true')).status).toBe(0)
  })
})
