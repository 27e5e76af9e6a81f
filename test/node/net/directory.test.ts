import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { TestGrid, introduce, until } from './grid.ts'
import type { TestNode } from './grid.ts'

const grid = new TestGrid()
const folders: string[] = []
afterEach(async () => {
  await grid.stop()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

const OWNER = '12D3KooWJ4Xq9YvDxkMdSPGYNxtnCvvP1JfrNvHcBk3n7gkE9Yfj'

function recordOf({ network }: TestNode, fields: { jobId?: string; epoch?: number } = {}) {
  return { jobId: 'job-1', epoch: 1, owner: OWNER, controllers: [network.self], ...fields }
}

/** Members that all know of each other in the DHT. */
async function dhtGrid(count: number): Promise<TestNode[]> {
  const nodes = await grid.addConnected(count)
  for (const left of nodes)
    for (const right of nodes) if (left !== right) await left.network.connect(right.network.self)
  await until('full tables', () =>
    nodes.every(({ network }) => network.metrics()['dht_table_peers_count']! >= count - 1),
  )
  return nodes
}

describe('the directory of jobs', () => {
  test('a record that one node published is found from every other', async () => {
    const nodes = await dhtGrid(4)
    await nodes[1]!.network.directory.publishJob(recordOf(nodes[1]!))
    for (const { network } of nodes) {
      const found = await network.directory.findJob('job-1')
      expect(found).toMatchObject(recordOf(nodes[1]!))
      expect(found.vo).toBe('f'.repeat(64))
    }
  })

  test('the newest record is found, also where an older one is put again after it', async () => {
    const nodes = await dhtGrid(4)
    const [first, second, reader] = nodes as [TestNode, TestNode, TestNode]
    await first.network.directory.publishJob(recordOf(first, { epoch: 1 }))
    await second.network.directory.publishJob(recordOf(second, { epoch: 2 }))
    // The old leader does not know yet that it is none, and says so once more, with a higher sequence.
    await first.network.directory.publishJob(recordOf(first, { epoch: 1 }))
    for (let look = 0; look < 3; look++)
      expect(await reader.network.directory.findJob('job-1')).toMatchObject({
        epoch: 2,
        controllers: [second.network.self],
      })
    const stalePuts = nodes.reduce((sum, { network }) => sum + (network.metrics()['records_stale_puts'] ?? 0), 0)
    expect(stalePuts).toBeGreaterThan(0)
  })

  test('a later word of one leader replaces its earlier one', async () => {
    const [leader, other, reader] = (await dhtGrid(3)) as [TestNode, TestNode, TestNode]
    await leader.network.directory.publishJob(recordOf(leader))
    const more = { ...recordOf(leader), controllers: [leader.network.self, other.network.self] }
    await leader.network.directory.publishJob(more)
    await until('the later word', async () => {
      const { controllers } = await reader.network.directory.findJob('job-1')
      return controllers.length === 2
    })
  })

  test('a job that nobody published is RECORD_NOT_FOUND, alone and in a grid', async () => {
    const alone = await grid.add()
    await expect(alone.network.directory.findJob('nothing')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
    const nodes = await dhtGrid(2)
    await expect(nodes[0]!.network.directory.findJob('nothing')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
  })

  test("another node's record is not this node's to publish", async () => {
    const [left, right] = await grid.addConnected(2)
    await expect(left!.network.directory.publishJob(recordOf(right!))).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  })

  test('a grid of one node keeps its records, and gives them to those who come later', async () => {
    const first = await grid.add()
    await first.network.directory.publishJob(recordOf(first))
    await first.network.directory.announceUser('ada')
    expect(await first.network.directory.findJob('job-1')).toMatchObject(recordOf(first))
    expect(await first.network.directory.findControllers('ada', { timeoutMs: 1_000 })).toEqual([first.network.self])
    const second = await grid.add()
    await second.network.connect(first.network.self)
    await until('the record', async () => {
      const found = await second.network.directory.findJob('job-1').catch(() => undefined)
      return found !== undefined
    })
    await until('the controller', async () => {
      const found = await second.network.directory.findControllers('ada', { timeoutMs: 1_000 })
      return found.includes(first.network.self)
    })
  })

  test('a record that everybody else refuses is RECORD_REFUSED', async () => {
    const [left, right] = (await dhtGrid(2)) as [TestNode, TestNode]
    await right.network.stop()
    // Its table still names the node that is gone.
    if (left.network.metrics()['dht_table_peers_count'] === 0) return
    await expect(left.network.directory.publishJob(recordOf(left))).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  })

  test('controllers of a user are found, and only those', async () => {
    const nodes = await dhtGrid(4)
    await nodes[0]!.network.directory.announceUser('ada')
    await nodes[1]!.network.directory.announceUser('ada')
    await nodes[2]!.network.directory.announceUser('bob')
    await until('both', async () => {
      const found = await nodes[3]!.network.directory.findControllers('ada', { timeoutMs: 2_000 })
      return found.length === 2
    })
    const found = await nodes[3]!.network.directory.findControllers('ada', { timeoutMs: 2_000 })
    expect(found.toSorted()).toEqual([nodes[0]!.network.self, nodes[1]!.network.self].toSorted())
  })

  test('what a node keeps for others outlives its restart, in its database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roost-net-'))
    folders.push(folder)
    const publisher = await grid.add()
    const keeper = await grid.add({ store: folder })
    await keeper.network.connect(publisher.network.self)
    await until('tables', () => publisher.network.metrics()['dht_table_peers_count'] === 1)
    await publisher.network.directory.publishJob(recordOf(publisher))
    await publisher.network.stop()
    await keeper.network.stop()
    const again = await grid.add({ store: folder, key: keeper.key })
    const reader = await grid.add()
    introduce(again.network, reader.network)
    await reader.network.connect(again.network.self)
    await until('the record', async () => {
      const found = await reader.network.directory.findJob('job-1').catch(() => undefined)
      return found?.controllers[0] === publisher.network.self
    })
  })
})

describe('the database', () => {
  test('that another process holds is STORE_FAILED, and nothing is left running', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roost-net-'))
    folders.push(folder)
    await grid.add({ store: folder })
    await expect(grid.add({ store: folder })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
