import {
  createDiscovery,
  DescriptorChecker,
  type Attributes,
  type Contact,
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
  type PeerId,
} from '../../../overlay/index.ts'
import { Simulation, type Disk, type SimulationOptions } from '../../../sim/engine/index.ts'

/** The seed of runs that are new each time: given to replay one, or drawn. */
export const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

export interface GridOptions extends Omit<SimulationOptions, 'seed' | 'replay'> {
  readonly seed?: number
  readonly count: number
  readonly discovery?: Partial<DiscoveryOptions>
  readonly attributes?: (index: number) => Attributes
  /** Nodes given to each node as seeds; the first one by default. */
  readonly seedsOf?: (index: number, ids: readonly PeerId[]) => readonly PeerId[]
}

/** A grid of discoveries on virtual time, with what each node has on its disk. */
export class Grid {
  readonly simulation: Simulation
  readonly ids: PeerId[] = []
  readonly discoveries = new Map<PeerId, Discovery>()
  readonly disks = new Map<PeerId, Disk>()
  readonly events: DiscoveryEvent[] = []
  /** Where each node would dial the others, by both names. */
  readonly dialed = new Map<PeerId, Map<PeerId, readonly string[]>>()
  readonly #options: GridOptions
  readonly #checker = new DescriptorChecker({ countMax: 1 << 20 })

  constructor(options: GridOptions) {
    const { seed = 1, count } = options
    this.#options = options
    const replay = `ROOST_SEED=${seed} npx vitest run test/overlay/discovery`
    this.simulation = new Simulation({ ...options, seed, replay })
    for (let index = 0; index < count; index++) this.add()
  }

  add(attributes?: Attributes, id = this.simulation.drawId()): PeerId {
    const index = this.ids.length
    this.ids.push(id)
    const seedIds = this.#options.seedsOf?.(index, this.ids) ?? (index === 0 ? [] : [this.ids[0]!])
    return this.simulation.addNode({
      id,
      mount: (node) => {
        this.disks.set(id, node.disk)
        const dialed = new Map<PeerId, readonly string[]>()
        this.dialed.set(id, dialed)
        const discovery = createDiscovery(
          {
            host: node,
            onAddress: (peer, addresses) => void dialed.set(peer, addresses),
            store: (kept) => node.disk.write('discovery', kept),
            onEvent: (event) => this.events.push(event),
          },
          {
            name: `node${index}`,
            addresses: [addressOf(index)],
            attributes: attributes ?? this.#options.attributes?.(index) ?? { Cores: 4 + (index % 4) },
            seeds: node.disk.read('discovery') === undefined ? seedIds.map((seedId) => this.contact(seedId)) : [],
            kept: node.disk.read('discovery'),
            checker: this.#checker,
            ...this.#options.discovery,
          },
        )
        this.discoveries.set(id, discovery)
      },
    })
  }

  contact(id: PeerId): Contact {
    return { peer: id, addresses: [addressOf(this.ids.indexOf(id))] }
  }

  at(id: PeerId): Discovery {
    return this.discoveries.get(id)!
  }

  /** Nodes that are up, in order. */
  up(): Discovery[] {
    return this.simulation.upIds.map((id) => this.at(id))
  }

  /** Whether every node that is up takes just those that are up for alive. */
  agrees(): boolean {
    const upIds = new Set(this.simulation.upIds)
    return this.up().every((discovery) => {
      const alive = discovery.list().filter((node) => node.state === 'alive')
      return alive.length === upIds.size && alive.every((node) => upIds.has(node.id))
    })
  }

  /** Lets time pass until all agree; false where they do not within the bound. Looks every 50 ms: looking costs more than running. */
  async agreesWithin(boundMs: number): Promise<boolean> {
    const endMs = this.simulation.nowMs + boundMs
    while (!this.agrees()) {
      if (this.simulation.nowMs >= endMs) return false
      await this.simulation.run(50)
    }
    return true
  }

  /** Runs an asynchronous question through, however much virtual time it takes, up to a minute. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    const settled: { answer?: Answer; error?: unknown; done: boolean } = { done: false }
    this.simulation.act(0, () => {
      question().then(
        (answer) => Object.assign(settled, { answer, done: true }),
        (error: unknown) => Object.assign(settled, { error, done: true }),
      )
    })
    await this.simulation.until(() => settled.done, 60_000)
    if (!settled.done) throw new Error('the question is still open')
    if ('error' in settled) throw settled.error
    return settled.answer!
  }
}

function addressOf(index: number): string {
  return `/ip4/127.0.0.1/tcp/${10_000 + index}`
}

/** The sizes of the connected parts of an undirected graph. */
export function componentSizes(ids: readonly PeerId[], linksOf: (id: PeerId) => Iterable<PeerId>): number[] {
  const neighbours = new Map<PeerId, PeerId[]>(ids.map((id) => [id, []]))
  for (const id of ids)
    for (const other of linksOf(id)) {
      if (!neighbours.has(other)) continue
      neighbours.get(id)!.push(other)
      neighbours.get(other)!.push(id)
    }
  const seen = new Set<PeerId>()
  const sizes: number[] = []
  for (const first of ids) {
    if (seen.has(first)) continue
    const left = [first]
    seen.add(first)
    let size = 0
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      size++
      for (const other of neighbours.get(id)!)
        if (!seen.has(other)) {
          seen.add(other)
          left.push(other)
        }
    }
    sizes.push(size)
  }
  return sizes.sort((one, other) => other - one)
}
