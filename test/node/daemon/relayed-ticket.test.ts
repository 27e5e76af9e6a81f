import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTicket } from '../../../overlay/index.ts'
import { InternetGrid } from '../../support/internet-grid.ts'
import { until } from '../../support/machine.ts'
import { whyNoNamespaces } from '../../support/namespaces.ts'

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

describe.skipIf(whyNot !== undefined)('the node with the authority behind NAT', () => {
  let grid: InternetGrid
  beforeAll(async () => {
    grid = await InternetGrid.of(2)
  })
  afterAll(() => grid?.end())

  test('is joined over a relay, by a machine behind another NAT', { timeout: 180_000 }, async () => {
    const { internet, members } = grid
    const [authority, relay] = [members[0]!, members[1]!]
    await authority.machine.kill(authority.daemon, 'SIGTERM')
    // The same machine, at home now.
    const home = grid.machineOn('n1', internet.hiddenHost(), {
      HOME: authority.machine.home,
      ROOST_DATA: authority.machine.dataDir,
    })
    await home.up()
    await until('it is relayed', async () => (await home.ask('/net/check', {})).relays.length === 1, 60_000)

    const { ticket } = await home.json('invite')
    expect(parseTicket(ticket).addresses[0]).toContain(`/p2p/${relay.id}/p2p-circuit/p2p/${authority.id}`)
    const guest = grid.machineOn('n3', internet.hiddenHost())
    await guest.up('--join', ticket)
    for (const machine of [home, relay.machine, guest])
      await until('all know all', async () => (await machine.ask('/status')).nodes.alive === 3)
    expect(await relay.client.metric('roost_net_relay_strangers')).toBe(1)
    const { nodes } = await guest.json('find', 'true', '-n', '3')
    expect(nodes.map(({ name }: any) => name).sort()).toEqual(['n1', 'n2', 'n3'])
  })
})
