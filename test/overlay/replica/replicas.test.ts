import { describe, expect, test } from 'vitest'
import { RoostError, type PeerId } from '../../../overlay/index.ts'
import {
  GROUP_COUNT_MAX,
  MemoryDisk,
  replicaCallWire,
  Replicas,
  replicaWire,
  type ReplicaEvent,
  type ReplicaParts,
  type ReplicaReply,
  type ReplicaRequest,
} from '../../../overlay/replica/index.ts'
import { constantLatency, DiskTimers, diskWire, Simulation, type NodeHost } from '../../../sim/engine/index.ts'
import { Notes } from './notes.ts'

describe('the groups of a node', () => {
  const GROUPS = Array.from({ length: 50 }, (_, index) => `group ${index}`)

  test('share their heartbeats', async () => {
    const grid = new Grid(3)
    const [founder, ...others] = grid.nodes
    for (const group of GROUPS) founder!.create(group, others)
    await grid.sim.run(20_000)
    for (const group of GROUPS) expect(founder!.replicas.status(group)!.configuration.voters).toHaveLength(3)
    const before = grid.sim.counts.sent
    await grid.sim.run(10_000)
    // Fifty heartbeats of each of two followers, and as many answers.
    expect(grid.sim.counts.sent - before).toBeLessThanOrEqual(200)
  })

  test('are handed on together by a node that stops', async () => {
    const grid = new Grid(3)
    const [founder, ...others] = grid.nodes
    for (const group of GROUPS) founder!.create(group, others)
    await grid.sim.run(20_000)
    let isDone = false
    grid.sim.act(0, () => founder!.replicas.resign(() => (isDone = true)))
    expect(await grid.sim.until(() => isDone, 1_000)).toBe(true)
    await grid.sim.run(100)
    for (const group of GROUPS) {
      expect(founder!.replicas.status(group)!.role).toBe('follower')
      expect(others.filter(({ replicas }) => replicas.status(group)!.role === 'leader')).toHaveLength(1)
    }
  })

  test('are bounded, and none is opened twice', () => {
    const [node] = new Grid(1).nodes
    for (let count = 0; count < GROUP_COUNT_MAX; count++) node!.create(`group ${count}`, [])
    expect(() => node!.create('one more', [])).toThrow(expect.objectContaining({ code: 'BUSY' }))
    node!.replicas.close('group 7')
    expect(() => node!.create('group 8', [])).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    node!.create('one more', [])
  })

  test('are not opened by themselves: the host is told now and then that somebody calls', async () => {
    const grid = new Grid(2, { opens: false })
    const [founder, other] = grid.nodes
    founder!.create('group', [other!])
    await grid.sim.run(10_000)
    const invitations = other!.events.filter(({ type }) => type === 'invited')
    expect(invitations).toContainEqual({ type: 'invited', group: 'group', from: founder!.id })
    expect(invitations.length).toBeGreaterThan(5)
    expect(invitations.length).toBeLessThan(12)
  })

  test('are changed by their members, and by nobody else', async () => {
    const grid = new Grid(2)
    const [founder, stranger] = grid.nodes
    founder!.create('group', [])
    await grid.sim.run(1_000)
    const add = { type: 'change', group: 'group', action: 'add', peer: stranger!.id } as const
    expect(await grid.ask(stranger!.id, founder!, add)).toMatchObject({ type: 'failed', error: { code: 'DENIED' } })
    expect(await grid.ask(founder!.id, founder!, add)).toEqual({ type: 'done', result: null })
    expect(founder!.replicas.status('group')!.configuration.voters).toHaveLength(2)
  })

  test('end where their disk fails, and tell the host', async () => {
    const grid = new Grid(1)
    const [node] = grid.nodes
    node!.create('group', [])
    await grid.sim.run(1_000)
    node!.disk('group').failNext = true
    const reply = grid.ask(node!.id, node!, { type: 'open', group: 'group' })
    expect(await reply).toMatchObject({ type: 'not-leader' })
    expect(node!.events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'STORE_FAILED' } })
    expect(node!.replicas.groups).toEqual([])
  })
})

/** Nodes with many groups each, on disks that take a millisecond. */
class Grid {
  readonly sim = new Simulation({ seed: 1, latency: constantLatency(1) })
  readonly nodes: GridNode[] = []

  constructor(nodeCount: number, { opens = true }: { readonly opens?: boolean } = {}) {
    for (let count = 0; count < nodeCount; count++) {
      const node = new GridNode(opens)
      this.nodes.push(node)
      node.id = this.sim.addNode({ mount: (host) => node.mount(host) })
    }
  }

  ask(from: PeerId, of: GridNode, request: ReplicaRequest): Promise<ReplicaReply> {
    return this.sim.converse(() => of.replicas.answer(from, request), 10_000)
  }
}

class GridNode {
  readonly replicas = new Replicas()
  readonly events: ReplicaEvent[] = []
  readonly #opens: boolean
  readonly #disks = new Map<string, FailingDisk>()
  readonly #timers = new DiskTimers()
  id: PeerId = ''

  constructor(opens: boolean) {
    this.#opens = opens
  }

  mount(host: NodeHost): void {
    host.mount(diskWire, this.#timers, () => undefined)
    host.mount(replicaWire, this.replicas, (event) => {
      this.events.push(event)
      if (event.type === 'invited' && this.#opens) this.replicas.open(event.group, this.#parts(event.group), undefined)
    })
    host.serve(replicaCallWire, this.replicas)
  }

  create(group: string, learners: readonly GridNode[]): void {
    this.replicas.create(group, this.#parts(group), { learners: learners.map(({ id }) => id) })
  }

  disk(group: string): FailingDisk {
    return this.#disks.get(group)!
  }

  #parts(group: string): ReplicaParts {
    const disk = new FailingDisk(this.#timers)
    this.#disks.set(group, disk)
    return { service: new Notes(), storage: disk.storage }
  }
}

/** A disk that fails once when it is told to. */
class FailingDisk {
  failNext = false
  readonly storage: ReplicaParts['storage']

  constructor(timers: DiskTimers) {
    const storage = new MemoryDisk().storage({ after: (delayMs, run) => timers.after(delayMs, run), delayMs: () => 1 })
    this.storage = {
      readChunk: storage.readChunk,
      persist: (write, settled) => {
        if (!this.failNext) return storage.persist(write, settled)
        timers.after(1, () => settled(new RoostError('STORE_FAILED', 'the disk is broken')))
      },
    }
  }
}
