import type { Libp2p, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { RPC_BURST_COUNT, RPC_LIMITS } from '../../../node/net/pubsub-guard.ts'
import { TOPICS } from '../../../node/net/topics.ts'
import { eventsOf, prefixed, subscriptionsTo } from '../../support/pubsub-bytes.ts'
import { TestGrid, until, type TestNode } from './grid.ts'
import { dialAsMember, fateOf, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
const rogues: Libp2p[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()))
})

async function rogueAt({ network }: TestNode): Promise<{ rogue: Libp2p; stream: Stream }> {
  const rogue = await makeOutsider()
  rogues.push(rogue)
  const connection = await dialAsMember(rogue, network)
  return { rogue, stream: await connection.newStream('/meshsub/1.2.0') }
}

/** Sends until the other side has enough of it. */
function flood(stream: Stream, bytes: (index: number) => Uint8Array, count: number): void {
  for (let index = 0; index < count && stream.status === 'open'; index++) {
    try {
      stream.send(bytes(index))
    } catch {
      return
    }
  }
}

const foreign = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `/elsewhere/${from + index}`)

describe('a member that misuses pub/sub', () => {
  test('is cut off for topics without end, and none of them is kept', async () => {
    const node = await grid.add()
    const { rogue, stream } = await rogueAt(node)
    const fate = fateOf(stream)
    flood(stream, (index) => subscriptionsTo(foreign(200, index * 200)), 50)
    expect((await fate).ended).toBe(true)
    expect(node.network.cutOffs()).toMatchObject([{ peer: rogue.peerId.toString(), reason: 'events foreign' }])
    expect(node.network.metrics()['events_refused_rpcs']).toBeGreaterThanOrEqual(2_000)
  })

  test('is cut off for more subscriptions in a message than there are topics, by far', async () => {
    const node = await grid.add()
    const { stream } = await rogueAt(node)
    const fate = fateOf(stream)
    const many = subscriptionsTo(Array(RPC_LIMITS.maxSubscriptions + 1).fill(TOPICS[0]!))
    flood(stream, () => many, 20)
    expect((await fate).ended).toBe(true)
    expect(node.network.cutOffs()).toMatchObject([{ reason: 'events unreadable' }])
  })

  test('is cut off for bytes that are no message, for lengths that none has, and for events of topics that are none', async () => {
    const rows = [
      ['events unreadable', prefixed(Uint8Array.of(0xff, 0xff, 0xff))],
      ['events oversized', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07)],
      ['events foreign', eventsOf('/elsewhere', 500)],
    ] as const
    for (const [reason, bytes] of rows) {
      const node = await grid.add()
      const rogue = await makeOutsider()
      rogues.push(rogue)
      const connection = await dialAsMember(rogue, node.network)
      // A length that none has ends its stream: the next one begins with another.
      while (connection.status === 'open') {
        const stream = await connection.newStream('/meshsub/1.2.0').catch(() => undefined)
        if (stream === undefined) break
        flood(stream, () => bytes, 20)
        await stream.close({ signal: AbortSignal.timeout(1_000) }).catch(() => {})
      }
      expect(node.network.cutOffs()).toMatchObject([{ reason }])
    }
  })

  test('that says more than anybody could take in has the rest dropped unread', async () => {
    const node = await grid.add()
    const { stream } = await rogueAt(node)
    const fate = fateOf(stream)
    const nothing = prefixed(new Uint8Array())
    const flooding = async (): Promise<void> => {
      for (let round = 0; round < 100 && stream.status === 'open'; round++) {
        flood(stream, () => nothing, 500)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await flooding()
    expect((await fate).ended).toBe(true)
    expect(node.network.cutOffs()).toMatchObject([{ reason: 'events rate' }])
    expect(node.network.metrics()['events_received_rpcs']).toBeGreaterThan(RPC_BURST_COUNT)
  })

  test('and honest neighbours go on hearing each other meanwhile', async () => {
    const [first, second] = (await grid.addConnected(2)) as [TestNode, TestNode]
    const heard: unknown[] = []
    first.network.events.subscribe('job', {}, () => {})
    second.network.events.subscribe('job', { near: first.network.self }, (_, event) => heard.push(event))
    const { stream } = await rogueAt(second)
    flood(stream, (index) => subscriptionsTo(foreign(100, index * 100)), 30)
    await until('an event', async () => {
      await first.network.events.publish('job', 'news')
      return heard.length > 0
    })
    expect(second.network.metrics()['event_topics_count']).toBe(1)
    await until('a mesh of two', () => second.network.metrics()['event_mesh_peers_count'] === 1)
    expect(second.network.cutOffs().map(({ peer }) => peer)).not.toContain(first.network.self)
  })

  test('has nothing against it for the topics of another version', async () => {
    const node = await grid.add()
    const { stream } = await rogueAt(node)
    flood(stream, () => subscriptionsTo(TOPICS.map((topic) => topic.replace('/1/', '/2/'))), 1)
    await until('it is counted', () => node.network.metrics()['events_refused_rpcs'] === TOPICS.length)
    expect(node.network.cutOffs()).toEqual([])
  })
})
