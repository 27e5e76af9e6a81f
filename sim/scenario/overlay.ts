import { shuffle } from '../../overlay/env/index.ts'
import type { Population } from '../population/index.ts'
import { DiscoveryGrid } from './grid.ts'
import type { Scenario, Stage } from './scenario.ts'

/**
 * The protocols of the overlay as a daemon mounts them (sampling, membership, selection, live attributes), from the first hello
 * to the loss of half of the grid and its return. What is asked at each step: do all that are up take just those that are up
 * for alive, how long did it take, and does a query find what there is?
 */
export const overlay: Scenario = {
  name: 'overlay',
  summary: 'nodes join, half of them die at once, the rest answer queries, the dead return',
  // All of one cell: each has a word on all others.
  nodes: { min: 4, max: 500, default: 32 },
  settings: { latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, nodesCount, progress } = stage
    const grid = new DiscoveryGrid(simulation, { population: MACHINES, keepsDisks: true })
    for (let index = 0; index < nodesCount; index++) grid.add()
    const join = await agree(stage, grid, 'joined')

    const doomed = shuffle([...grid.up], simulation.chance).slice(0, Math.floor(nodesCount / 2))
    for (const index of doomed) grid.crash(index)
    progress(`${doomed.length} nodes are gone`)
    const loss = await agree(stage, grid, 'knows who is gone')
    const query = await ask(stage, grid)

    for (const index of doomed) grid.restart(index)
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
      refusedCount: [...grid.refusals.values()].reduce((sum, count) => sum + count, 0),
      messagesPerNodePerSecond: simulation.counts.sent / nodesCount / (simulation.nowMs / 1_000),
    }
    return { overlay: figures }
  },
}

const LOOK_MS = 250
const WAIT_MS_MAX = 180_000
const FIND_MS_MAX = 10_000
const CORES = [1, 2, 4, 8, 16, 32]

const MACHINES: Population = {
  source: 'overlay',
  attributeNames: ['Cores'],
  machine: (index) => ({ name: `node${index}`, attributes: { Cores: coresOf(index) } }),
}

/** The share of nodes that are up which take just those that are up for alive. */
function agreementOf(grid: DiscoveryGrid): number {
  const up = new Set(grid.up.map((index) => grid.idAt(index)))
  const agreeing = grid.up.filter((index) => {
    const alive = grid
      .discoveryAt(index)
      .list()
      .filter((node) => node.state === 'alive')
    return alive.length === up.size && alive.every((node) => up.has(node.id))
  })
  return agreeing.length / up.size
}

/** Waits until all agree, or long enough. `tookMs` is -1 where they never did. */
async function agree(
  { simulation, progress }: Stage,
  grid: DiscoveryGrid,
  what: string,
): Promise<{ readonly tookMs: number; readonly agreement: number }> {
  const startedMs = simulation.nowMs
  let agreement = agreementOf(grid)
  while (agreement < 1 && simulation.nowMs - startedMs < WAIT_MS_MAX) {
    await simulation.run(LOOK_MS)
    agreement = agreementOf(grid)
  }
  const tookMs = simulation.nowMs - startedMs
  progress(`${(agreement * 100).toFixed(1)} % ${what} after ${(tookMs / 1_000).toFixed(1)} s`)
  return { tookMs: agreement === 1 ? tookMs : -1, agreement }
}

/** One node asks for all machines of some size: how many of them it found, and how many it should not have. */
async function ask(
  { simulation }: Stage,
  grid: DiscoveryGrid,
): Promise<{ readonly recall: number; readonly wrongCount: number; readonly findMs: number }> {
  const matching = new Set(grid.up.filter((index) => coresOf(index) >= 8).map((index) => grid.idAt(index)))
  const asker = grid.discoveryAt(grid.up[0]!)
  const startedMs = simulation.nowMs
  const { candidates } = await simulation.converse(
    () => asker.find({ where: 'Cores >= 8', count: grid.nodesCount }, { timeoutMs: FIND_MS_MAX }),
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
