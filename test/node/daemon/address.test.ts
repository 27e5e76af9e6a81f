import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InternetGrid, type Inhabitant } from '../../support/internet-grid.ts'
import { until } from '../../support/machine.ts'
import { whyNoNamespaces } from '../../support/namespaces.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

const LEARNED_MS_MAX = 30_000

describe.skipIf(whyNot !== undefined)('a machine whose addresses change', () => {
  let grid: InternetGrid
  beforeAll(async () => {
    grid = await InternetGrid.of(4)
  })
  afterAll(() => grid?.end())

  test('says the new ones, which all others learn, and is reached by them', { timeout: 180_000 }, async () => {
    const { internet, members } = grid
    // Two at once: neither knows where the other is now.
    const movers = members.slice(1, 3)
    const before = await Promise.all(movers.map(addressesOf))
    for (const { host } of movers) internet.readdress(host)
    const isLearned = async (): Promise<boolean> => {
      const views = await Promise.all(
        movers.flatMap((mover, index) =>
          members.map(async ({ client }) => {
            const { nodes } = (await client.ask('/nodes')).body
            const { addresses } = nodes.find(({ id }: any) => id === mover.id)
            return addresses.length === 2 && !addresses.some((address: string) => before[index]!.includes(address))
          }),
        ),
      )
      return views.every(Boolean)
    }
    const isOver = async (): Promise<boolean> =>
      (await isLearned()) && (await grid.isWhole()) && (await grid.answersWhole())
    await until('all have learned them, and reach all', isOver, LEARNED_MS_MAX)
    for (const { machine, host } of movers) {
      const { state, addresses } = await machine.ask('/net/check', {})
      expect(state).toBe('reachable')
      expect(addresses).toEqual([
        expect.stringContaining(`/ip4/192.0.2.${host.number + 100}/`),
        expect.stringContaining(`/ip6/2001:db8::${host.number + 100}/`),
      ])
    }

    await grid.join('n5', internet.publicHost(), members[0]!)
    await until('who comes later finds them too', () => grid.isWhole(), LEARNED_MS_MAX)
    expect(await grid.answersWhole()).toBe(true)
  })
})

async function addressesOf({ client }: Inhabitant): Promise<readonly string[]> {
  return (await client.status()).addresses
}
