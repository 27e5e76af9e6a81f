import { beginChurn, startCount } from './comings.ts'
import { runCycles } from './cycles.ts'
import { grow } from './growth.ts'
import { SamplingFigures } from './sampling-figures.ts'
import type { Scenario } from './scenario.ts'
import { ViewGrid } from './view-grid.ts'

/** Sampling alone, from the first hello on: how random are the views, and how well do they keep. */
export const sampling: Scenario = {
  name: 'sampling',
  summary: 'nodes join in waves and gossip: are their views as random as they should be',
  nodes: { min: 4, max: 1_000_000, default: 10_000 },
  settings: { cycles: '50', churn: '', latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, settings } = stage
    const cycles = settings.cycles!
    const keepsDisks = settings.churn !== undefined && settings.churn.kind !== 'share'
    const grid = new ViewGrid(simulation, { keepsDisks })
    await grow(stage, grid, startCount(stage), GROWTH)
    const figures = new SamplingFigures(stage, () => grid.views)
    const comings = beginChurn(stage, grid, cycles)
    await runCycles(stage, {
      count: cycles,
      what: `${grid.upCount} nodes`,
      onPiece: () => comings.onPiece(),
      onEnd: (cycle) => figures.measure(cycle),
    })
    return { sampling: figures.section }
  },
}

/** Views mend so fast that a grid may double in each cycle; by then the first short cycles of the last to join are over. */
const GROWTH = { growthShare: 1, settleCycles: 10 }
