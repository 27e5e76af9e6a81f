import { describe, expect, test } from 'vitest'
import { SAMPLING_ATTACKS } from '../../../sim/adversary/index.ts'
import { Simulation } from '../../../sim/engine/index.ts'
import { SamplingGrid, type SamplingGridOptions } from '../../../sim/grid/index.ts'
import { measureShape, measureViews, type ViewFigures } from '../../../sim/metrics/index.ts'

const CYCLES = 30

async function played(options: SamplingGridOptions, cycles = CYCLES) {
  const simulation = new Simulation({ seed: 1 })
  const grid = new SamplingGrid(simulation, options)
  const views = {
    nodesCount: grid.nodesCount,
    isUp: (index: number) => grid.isUp(index),
    viewOf: (index: number) => grid.viewOf(index),
    isAttacker: (index: number) => grid.isAttacker(index),
  }
  const run = async (count: number): Promise<ViewFigures> => {
    await simulation.run(count * grid.cycleMs)
    return measureViews(views)
  }
  return { simulation, grid, views, run, figures: await run(cycles) }
}

describe('a grid of samplings', () => {
  test('nobody is known by many more than others are, and neighbours are no more acquainted than strangers', async () => {
    const { simulation, views, figures } = await played({ nodesCount: 1_000 })
    expect(figures.inDegreeSd).toBeLessThan(4.5)
    expect(figures.components).toBe(1)
    const { clustering, clusteringRandom } = measureShape(views, simulation.chance)
    expect(clustering).toBeLessThan(1.1 * clusteringRandom)
  })

  test('dead links are under one in a hundred within twenty cycles of losing half', async () => {
    const { grid, run } = await played({ nodesCount: 1_000 })
    for (let index = 0; index < 1_000; index += 2) grid.crash(index)
    const { deadLinkShare, outsideLargest } = await run(20)
    expect(deadLinkShare).toBeLessThan(0.01)
    expect(outsideLargest).toBe(0)
  })

  test('a run is a function of its seed', async () => {
    const hash = async (): Promise<string> => (await played({ nodesCount: 200 }, 5)).simulation.traceHash
    expect(await hash()).toBe(await hash())
  })
})

describe('attackers', () => {
  test.each(SAMPLING_ATTACKS)('who %s are in views, and nothing that they send ends a run', async (attack) => {
    const { grid, figures } = await played({ nodesCount: 200, attackersShare: 0.1, attack }, 10)
    expect(grid.isAttacker(199)).toBe(true)
    expect(grid.isAttacker(179)).toBe(false)
    expect(figures.attackerShare).toBeGreaterThan(0)
  })
})
