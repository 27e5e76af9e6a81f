import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InternetGrid, namesOf, type Inhabitant } from '../../support/internet-grid.ts'
import { until } from '../../support/machine.ts'
import { whyNoNamespaces } from '../../support/namespaces.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

const DAEMONS_COUNT = 5
const FLAPS_COUNT = 10
const DOWN_MS = 5_000
const UP_MS = 5_000
const AGREE_MS_MAX = 10_000
/** What one daemon's memory varies by itself while it collects. */
const GROWTH_BYTES_MAX = 40 * 1024 ** 2

describe.skipIf(whyNot !== undefined)('a link that comes and goes', () => {
  let grid: InternetGrid
  beforeAll(async () => {
    grid = await InternetGrid.of(DAEMONS_COUNT)
  })
  afterAll(() => grid?.end())

  test(
    'makes nobody forget anybody, piles nothing up, and all agree soon after the last time',
    { timeout: 240_000 },
    async () => {
      const { internet, members } = grid
      const flapping = members[2]!
      const names = namesOf(members)
      const known = async ({ client }: Inhabitant): Promise<string[]> =>
        (await client.ask('/nodes')).body.nodes.map(({ name }: any) => name).sort()
      const before = members.map(residentBytes)
      for (let flap = 0; flap < FLAPS_COUNT; flap++) {
        for (const isIn of [false, true]) {
          internet.plug(flapping.host, isIn)
          await sleep(isIn ? UP_MS : DOWN_MS)
          for (const member of members) expect(await known(member)).toEqual(names)
        }
      }
      await until('all agree', () => grid.isWhole(), AGREE_MS_MAX)
      expect(await grid.answersWhole()).toBe(true)

      const connections = (): Promise<number[]> =>
        Promise.all(members.map(({ client }) => client.metric('roost_net_connections_count')))
      // Both ends may have dialed at once; more than these two would be left over from times before.
      await until(
        'no connection is left over',
        async () => (await connections()).every((count) => count <= 2 * (DAEMONS_COUNT - 1)),
        20_000,
      )
      const grownBytes = members.map((member, index) => residentBytes(member) - before[index]!)
      expect(Math.max(...grownBytes)).toBeLessThan(GROWTH_BYTES_MAX)
    },
  )
})

function residentBytes({ daemon }: Inhabitant): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))!
  return Number(kibibytes) * 1024
}
