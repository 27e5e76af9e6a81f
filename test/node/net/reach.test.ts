import { afterEach, describe, expect, test } from 'vitest'
import { TestGrid, until, wordAdmission } from './grid.ts'
import type { TestNode } from './grid.ts'
import { dialNetwork, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
afterEach(() => grid.stop())

/** Circuit relay v2: the request for a place with its length before it, and how an answer ends that refuses it. */
const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
const RESERVE = [2, 8, 0]
const PERMISSION_DENIED = [0xca, 0x01]

const stateOf = (node: TestNode): string => node.network.reach().state

/** A node that others cannot dial, in a grid where it has found a relay. */
async function relayedNode(): Promise<{ relays: readonly TestNode[]; hidden: TestNode }> {
  const relays = await grid.addConnected(2)
  const hidden = await grid.add({ listen: [] })
  for (const relay of relays) await hidden.network.connect(relay.network.self)
  await until('relayed', () => hidden.network.reach().relays.length === 2)
  return { relays, hidden }
}

describe('a node that only dials out', () => {
  test('has places at relays, tells their addresses, and is called by them', async () => {
    const { relays, hidden } = await relayedNode()
    expect(stateOf(hidden)).toBe('relayed')
    expect(hidden.network.reach().relays.toSorted()).toEqual(relays.map(({ network }) => network.self).toSorted())
    for (const address of hidden.network.addresses()) expect(address).toMatch(/p2p-circuit\/p2p\/\w+$/)
    const caller = await grid.add()
    await until('caller knows', () => hidden.network.addresses().length > 0)
    caller.network.know(hidden.network.self, hidden.network.addresses())
    hidden.network.serveHttp((_request, response) => response.end('here'))
    const response = await caller.network.peerFetch(hidden.network.self)('http://peer/')
    expect(await response.text()).toBe('here')
  })

  test('takes another relay when one is gone, and tells', async () => {
    const { relays, hidden } = await relayedNode()
    const third = await grid.add()
    await third.network.connect(relays[0]!.network.self)
    await hidden.network.connect(third.network.self)
    await until('the third is reachable', () => stateOf(third) === 'reachable')
    const told: string[] = []
    hidden.network.onAddresses((addresses) => told.push(addresses.join()))
    await relays[1]!.network.stop()
    await until('the third relays', () => hidden.network.reach().relays.includes(third.network.self))
    expect(hidden.network.reach().relays).not.toContain(relays[1]!.network.self)
    expect(told.at(-1)).toContain(`${third.network.self}/p2p-circuit`)
    expect(told.at(-1)).not.toContain(relays[1]!.network.self)
  })

  test('is reached through its gate alone, by who comes over a relay too', async () => {
    const { hidden } = await relayedNode()
    const stranger = await grid.add({ admission: wordAdmission('foe') })
    stranger.network.know(hidden.network.self, hidden.network.addresses())
    // The relay refuses it as well, and may be sooner at ending the connection than the one at the far end.
    await expect(stranger.network.connect(hidden.network.self)).rejects.toMatchObject({
      code: expect.stringMatching(/^(CREDENTIAL_INVALID|PEER_UNREACHABLE)$/),
    })
    expect(hidden.network.connected()).not.toContain(stranger.network.self)
  })

  test('answers members that ask to join or to renew what they have', async () => {
    const relays = await grid.addConnected(1)
    const admission = { ...wordAdmission('friend'), join: () => 'renewed' }
    const hidden = await grid.add({ listen: [], admission })
    await hidden.network.connect(relays[0]!.network.self)
    await until('relayed', () => stateOf(hidden) === 'relayed')
    const member = await grid.add()
    const { reply } = await member.network.requestJoin(hidden.network.addresses(), 'again')
    expect(reply).toBe('renewed')
  })

  test('is joined by a stranger, whom a relay takes to it and gives no place itself', async () => {
    const relay = await grid.add()
    const admission = { ...wordAdmission('friend'), join: (_peer: string, request: unknown) => `welcome ${request}` }
    const hidden = await grid.add({ listen: [], admission })
    await hidden.network.connect(relay.network.self)
    await until('relayed', () => stateOf(hidden) === 'relayed')
    const stranger = await grid.add({ listen: [], admission: wordAdmission(undefined) })
    const { peer, reply } = await stranger.network.requestJoin(hidden.network.addresses(), 'ticket')
    expect({ peer, reply }).toEqual({ peer: hidden.network.self, reply: 'welcome ticket' })
    expect(relay.network.metrics()['relay_strangers']).toBe(1)
    // What comes next it does as a member, over new connections.
    await until('nothing is left', () => stranger.network.metrics()['connections_count'] === 0)

    const outsider = await makeOutsider()
    try {
      const connection = await dialNetwork(outsider, relay.network)
      const stream = await connection.newStream(HOP_PROTOCOL)
      const answer = new Promise<Uint8Array>((resolve) =>
        stream.addEventListener('message', ({ data }) => resolve(data.subarray()), { once: true }),
      )
      stream.send(Uint8Array.from(RESERVE))
      expect([...(await answer)].slice(-2)).toEqual(PERMISSION_DENIED)
      expect(relay.network.reach().relayedPeersCount).toBe(1)
    } finally {
      await outsider.stop()
    }
  })

  test('does not relay for others, and leaves the DHT to who is reachable', async () => {
    const { relays, hidden } = await relayedNode()
    expect(relays.map(stateOf)).toEqual(['reachable', 'reachable'])
    await until('the relays count', () => relays.every(({ network }) => network.metrics()['relayed_peers_count'] === 1))
    expect(hidden.network.reach().relayedPeersCount).toBe(0)
    // Each relay has the other in its table, and only that.
    await until('left', () => relays.every(({ network }) => network.metrics()['dht_table_peers_count'] === 1))
    expect(hidden.network.metrics()['dht_table_peers_count']).toBe(2)
  })

  test('goes over to a direct connection with who comes over a relay and can be dialed', async () => {
    const { hidden } = await relayedNode()
    const caller = await grid.add()
    caller.network.know(hidden.network.self, hidden.network.addresses())
    await caller.network.connect(hidden.network.self)
    await until('straightened', () => hidden.network.metrics()['reach_straightened_connections'] === 1)
  })

  test('stays a member when its relayed connections end, as each does at its bound', async () => {
    const relay = await grid.add({ relay: { connectionBytesMax: 200_000 } })
    const other = await grid.add()
    await other.network.connect(relay.network.self)
    const [hidden, caller] = [await grid.add({ listen: [] }), await grid.add({ listen: [] })]
    await hidden.network.connect(relay.network.self)
    await until('relayed', () => hidden.network.reach().relays.includes(relay.network.self))
    caller.network.know(hidden.network.self, hidden.network.addresses())
    hidden.network.serveHttp((_request, response) => response.end(Buffer.alloc(60_000)))
    const outcomes: string[] = []
    for (let index = 0; index < 6; index++)
      outcomes.push(
        await caller.network
          .peerFetch(hidden.network.self)('http://peer/')
          .then(async (response) => String((await response.arrayBuffer()).byteLength))
          .catch(() => 'cut'),
      )
    expect(outcomes).toContain('cut')
    expect(outcomes[0]).toBe('60000')
    expect(outcomes.lastIndexOf('60000')).toBeGreaterThan(outcomes.indexOf('cut'))
  })
})

describe('how a node knows', () => {
  test('is reachable by the proof of who dials it, asking nobody', async () => {
    const [first, second] = await grid.addConnected(2)
    await until('decided', () => stateOf(first!) === 'reachable')
    expect(first!.network.reach().witnesses).toEqual([])
    // Nobody dials the second: it asks.
    await until('decided', () => stateOf(second!) === 'reachable')
    expect(second!.network.reach().witnesses).toMatchObject([
      { peer: first!.network.self, host: '127.0.0.1', answer: 'reached' },
    ])
  })

  test('says nothing while there is nobody to tell, and cut off when all are lost', async () => {
    const alone = await grid.add()
    expect(stateOf(alone)).toBe('unknown')
    const other = await grid.add({ listen: [] })
    await other.network.connect(alone.network.self)
    await until('decided', () => stateOf(other) === 'relayed')
    await alone.network.stop()
    await until('cut off', () => stateOf(other) === 'cut-off')
  })

  test('a check leaves no second connection behind, and does not disturb the one there is', async () => {
    const [first, second] = await grid.addConnected(2)
    const report = await second!.network.checkReach()
    expect(report).toMatchObject({ state: 'reachable', witnesses: [{ answer: 'reached' }] })
    await until('closed', () => first!.network.metrics()['connections_count'] === 1)
    expect(second!.network.metrics()['connections_count']).toBe(1)
    expect(first!.network.connected()).toEqual([second!.network.self])
    // Asked again at once it is refused, and what was known stands.
    expect((await second!.network.checkReach()).state).toBe('reachable')
  })
})
