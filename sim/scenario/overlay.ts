import { DescriptorChecker } from '../../overlay/descriptor/index.ts'
import { createDiscovery, type Discovery } from '../../overlay/discovery/index.ts'
import { type PeerId, shuffle } from '../../overlay/env/index.ts'
import type { Simulation } from '../engine/index.ts'
import type { Scenario, Stage } from './scenario.ts'

/**
 * The protocols of the overlay as a daemon mounts them (sampling, membership, selection, live attributes), from the first hello
 * to the loss of half of the grid and its return. What is asked at each step: do all that are up take just those that are up
 * for alive, how long did it take, and does a query find what there is?
 */
export const overlay: Scenario = {
  name: 'overlay',
  summary: 'nodes join through one, half of them die at once, the rest answer queries, the dead return',
  nodes: { min: 4, max: 1_000, default: 32 },
  settings: { latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, nodesCount, progress } = stage
    const grid = new Grid(simulation)
    for (let index = 0; index < nodesCount; index++) grid.add(index)
    const join = await agree(stage, grid, 'joined')

    const doomed = shuffle([...simulation.ids], simulation.chance).slice(0, Math.floor(nodesCount / 2))
    for (const id of doomed) simulation.crash(id)
    progress(`${doomed.length} nodes are gone`)
    const loss = await agree(stage, grid, 'knows who is gone')
    const query = await ask(simulation, grid)

    for (const id of doomed) simulation.restart(id)
    const comeback = await agree(stage, grid, 'back')
    const figures = {
      joinMs: join.tookMs,
      joinAgreement: join.agreement,
      killedCount: doomed.length,
      detectMs: loss.tookMs,
      lossAgreement: loss.agreement,
      ...query,
      returnMs: comeback.tookMs,
      returnAgreement: comeback.agreement,
      refusedCount: grid.refusedCount,
      messagesPerNodePerSecond: simulation.counts.sent / nodesCount / (simulation.nowMs / 1_000),
    }
    return { overlay: figures }
  },
}

const LOOK_MS = 250
const WAIT_MS_MAX = 180_000
const FIND_MS_MAX = 10_000
const CORES = [1, 2, 4, 8, 16, 32]

/** A grid of discoveries, each with what it keeps on its disk. */
class Grid {
  refusedCount = 0
  readonly #simulation: Simulation
  readonly #discoveries = new Map<PeerId, Discovery>()
  /** What one node has verified, all take as verified: the signatures are the same. */
  readonly #checker = new DescriptorChecker({ countMax: 1 << 20 })

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  add(index: number): void {
    const first = this.#simulation.ids[0]
    this.#simulation.addNode({
      mount: (node) => {
        const kept = node.disk.read('discovery')
        const discovery = createDiscovery(
          {
            host: node,
            onAddress: () => {},
            store: (value) => node.disk.write('discovery', value),
            onEvent: (event) => {
              if (event.type === 'refused') this.refusedCount++
            },
          },
          {
            name: `node${index}`,
            addresses: [addressOf(index)],
            attributes: { Cores: coresOf(index) },
            seeds: first === undefined || kept !== undefined ? [] : [{ peer: first, addresses: [addressOf(0)] }],
            kept,
            checker: this.#checker,
          },
        )
        this.#discoveries.set(node.self, discovery)
      },
    })
  }

  at(id: PeerId): Discovery {
    return this.#discoveries.get(id)!
  }

  /** The share of nodes that are up which take just those that are up for alive. */
  agreement(): number {
    const { upIds } = this.#simulation
    const up = new Set(upIds)
    const agreeing = upIds.filter((id) => {
      const alive = this.at(id)
        .list()
        .filter((node) => node.state === 'alive')
      return alive.length === up.size && alive.every((node) => up.has(node.id))
    })
    return agreeing.length / up.size
  }
}

/** Waits until all agree, or long enough. `tookMs` is -1 where they never did. */
async function agree(
  { simulation, progress }: Stage,
  grid: Grid,
  what: string,
): Promise<{ readonly tookMs: number; readonly agreement: number }> {
  const startedMs = simulation.nowMs
  let agreement = grid.agreement()
  while (agreement < 1 && simulation.nowMs - startedMs < WAIT_MS_MAX) {
    await simulation.run(LOOK_MS)
    agreement = grid.agreement()
  }
  const tookMs = simulation.nowMs - startedMs
  progress(`${(agreement * 100).toFixed(1)} % ${what} after ${(tookMs / 1_000).toFixed(1)} s`)
  return { tookMs: agreement === 1 ? tookMs : -1, agreement }
}

/** One node asks for all machines of some size: how many of them it found, and how many it should not have. */
async function ask(
  simulation: Simulation,
  grid: Grid,
): Promise<{ recall: number; wrongCount: number; findMs: number }> {
  const { ids, upIds } = simulation
  const matching = new Set(upIds.filter((id) => coresOf(ids.indexOf(id)) >= 8))
  const asker = grid.at(upIds[0]!)
  const startedMs = simulation.nowMs
  const { candidates } = await simulation.converse(
    () => asker.find({ where: 'Cores >= 8', count: ids.length }, { timeoutMs: FIND_MS_MAX }),
    2 * FIND_MS_MAX,
  )
  const rightCount = candidates.filter((candidate) => matching.has(candidate.id)).length
  return {
    recall: matching.size === 0 ? 1 : rightCount / matching.size,
    wrongCount: candidates.length - rightCount,
    findMs: simulation.nowMs - startedMs,
  }
}

function coresOf(index: number): number {
  return CORES[index % CORES.length]!
}

function addressOf(index: number): string {
  return `/ip4/10.0.${index >> 8}.${index & 255}/tcp/4001`
}
