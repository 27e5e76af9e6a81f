// How many nodes does a query ask, as grids grow, on tables that gossip has built?
//
// Machines with 16 uniform attributes; fifty are wanted of a box that constrains three of them and holds a share of all nodes.
// Baseline: DESIGN's static models at 100,000 nodes with cells in four groupings of four attributes: 1.5, 3.9 and 23 contacts for
// shares of 0.125, 0.0125 and 0.001. `--quick` runs a small grid, to see that the bench still runs; `--nodes 1000,10000` other sizes;
// `--queries N` and `--seed S` set the rest. A grid of 10,000 takes some minutes.

import { parseArgs } from 'node:util'
import type { Explanation } from '../overlay/discovery/index.ts'
import { Simulation } from '../sim/engine/index.ts'
import { drawsFor, uniformPopulation } from '../sim/population/index.ts'
import { generateQuestions } from '../sim/queries/index.ts'
import { DiscoveryGrid } from '../sim/scenario/grid.ts'
import { grow } from '../sim/scenario/growth.ts'
import { header, quick, row } from './support/report.ts'

const STATIC_MODEL: readonly (readonly [share: number, contacts: number])[] = [
  [0.125, 1.5],
  [0.0125, 3.9],
  [0.001, 23],
]
const WANTED = 50
const CONSTRAINED = 3
const DIMENSIONS = 16
const FIND_MS = 20_000

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    nodes: { type: 'string', default: quick ? '520' : '1000,3000,10000' },
    queries: { type: 'string', default: quick ? '10' : '100' },
    seed: { type: 'string', default: '1' },
  },
})
const seed = Number(values.seed)
const queriesCount = Number(values.queries)

header('How many nodes does a query ask, as grids grow?', { nodes: values.nodes, queries: queriesCount, seed })
for (const nodesCount of values.nodes.split(',').map(Number)) await measure(nodesCount)

async function measure(nodesCount: number): Promise<void> {
  const population = uniformPopulation(DIMENSIONS, seed)
  const simulation = new Simulation({ seed })
  const grid = new DiscoveryGrid(simulation, { population })
  const before = process.cpuUsage()
  const stage = { simulation, nodesCount, settings: {}, samples: drawsFor(seed, 'story'), progress: () => {} }
  await grow(stage, grid, nodesCount, { growthShare: 0.3, settleCycles: quick ? 8 : 16 })
  const { user, system } = process.cpuUsage(before)
  const kept = grid.up.map((index) => grid.discoveryAt(index).selectionState.descriptorCount)
  console.log(
    `${nodesCount} nodes, grown in ${((user + system) / 1e6).toFixed(0)} s of CPU, ` +
      `${Math.round(process.memoryUsage().rss / nodesCount / 1024)} KiB a node`,
  )
  row('descriptors a node keeps', kept, '')
  for (const [share, contacts] of STATIC_MODEL) {
    const explanations = await ask(simulation, grid, share)
    row(
      `contacts, share ${share}`,
      explanations.map(({ contactCount }) => contactCount),
      '',
    )
    const mean = explanations.reduce((sum, { contactCount }) => sum + contactCount, 0) / explanations.length
    console.log(
      `    mean ${mean.toFixed(1)}, static model at 100,000 nodes ${contacts}, ratio ${(mean / contacts).toFixed(2)}`,
    )
    row(
      '  steps one after another',
      explanations.map(({ roundTripCount }) => roundTripCount),
      '',
    )
  }
}

async function ask(simulation: Simulation, grid: DiscoveryGrid, share: number): Promise<Explanation[]> {
  const questions = generateQuestions({
    population: uniformPopulation(DIMENSIONS, seed),
    nodesCount: grid.nodesCount,
    seed,
    queriesCount,
    constrainCount: CONSTRAINED,
    share,
    want: WANTED,
  })
  const explanations: Explanation[] = []
  for (const { where, count } of questions) {
    const asker = grid.discoveryAt(grid.draw(1)[0]!)
    const found = await simulation.converse(() => asker.find({ where, count }, { timeoutMs: FIND_MS }), 2 * FIND_MS)
    explanations.push(found.explanation)
  }
  return explanations
}
