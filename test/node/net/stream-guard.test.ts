import type { Connection, Libp2p } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { STREAMS_BURST_COUNT } from '../../../node/net/stream-guard.ts'
import { TestGrid, until, type TestNode } from './grid.ts'
import { dialAsMember, dialNetwork, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
const rogues: Libp2p[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()))
})

async function makeRogue(): Promise<Libp2p> {
  const rogue = await makeOutsider()
  rogues.push(rogue)
  return rogue
}

/** Opens streams, many at a time, until the connection is gone or so many were tried. They stay open, or not. */
async function openStreams(
  connection: Connection,
  protocol: string,
  { count, areKept }: { count: number; areKept: boolean },
): Promise<void> {
  for (let opened = 0; opened < count && connection.status === 'open'; opened += 50)
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const stream = await connection
          .newStream(protocol, { signal: AbortSignal.timeout(5_000), maxOutboundStreams: 100_000 })
          .catch(() => undefined)
        if (!areKept) stream?.abort(new Error('next'))
      }),
    )
}

describe('a peer that opens streams without end', () => {
  test.each([
    ['/roost/http/1', 1_000, true],
    ['/roost/kad/1', 1_000, true],
    ['/roost/grid/1', 1_000, true],
    ['/ipfs/ping/1.0.0', 4 * STREAMS_BURST_COUNT, false],
  ])('on %s is dropped', async (protocol, count, areKept) => {
    const { network } = await grid.add()
    network.serveHttp((_, response) => response.end())
    const rogue = await makeRogue()
    const connection = await dialAsMember(rogue, network)
    await openStreams(connection, protocol, { count, areKept })
    await until('it is dropped', () => connection.status !== 'open')
    expect(network.cutOffs()).toMatchObject([{ peer: rogue.peerId.toString(), reason: 'connection streams' }])
    expect(network.metrics()['gate_excess_streams']).toBeGreaterThan(100)
  })

  test('is dropped before it is admitted, too', async () => {
    const { network } = await grid.add()
    const connection = await dialNetwork(await makeRogue(), network)
    await openStreams(connection, '/ipfs/ping/1.0.0', { count: 1_000, areKept: true })
    await until('it is dropped', () => connection.status !== 'open')
  })

  test('does not keep others out', async () => {
    const [first, second] = (await grid.addConnected(2)) as [TestNode, TestNode]
    first.network.serveHttp((_, response) => response.end('here'))
    const connection = await dialAsMember(await makeRogue(), first.network)
    const fetch = second.network.peerFetch(first.network.self)
    const asking = Array.from({ length: 100 }, async () => (await fetch('http://x/')).text())
    const [texts] = await Promise.all([
      Promise.all(asking),
      openStreams(connection, '/roost/http/1', { count: 1_000, areKept: true }),
    ])
    expect(texts).toEqual(Array(100).fill('here'))
    expect(first.network.cutOffs().map(({ peer }) => peer)).not.toContain(second.network.self)
  })
})
