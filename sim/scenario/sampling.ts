import { beginChurn, startCount } from './comings.ts'
import { runCycles } from './cycles.ts'
import { grow } from './growth.ts'
import { SamplingFigures } from './sampling-figures.ts'
import type { Scenario, Stage } from './scenario.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import { ViewGrid } from './view-grid.ts'

const NETWORK_SETTINGS = { latency: 'uniform:20-100', loss: '' } as const

/** Sampling alone, from the first hello on: how random are the views, and how well do they keep. */
export const sampling: Scenario = {
  name: 'sampling',
  summary: 'views that gossip keeps: are they as random as they should be',
  nodes: { min: 4, max: 1_000_000, default: 10_000 },
  settings: { ...NETWORK_SETTINGS, cycles: '50', churn: '' },

  async play(stage) {
    const { figures } = await playViews(stage)
    return { sampling: figures.section }
  },
}

/** A share of all nodes dies in one moment. Those that are left must stay one grid, and forget the dead. */
export const massacre: Scenario = {
  name: 'massacre',
  summary: 'half of the nodes, or more, die at once: is what is left one grid, and when has it forgotten them',
  nodes: { min: 4, max: 1_000_000, default: 10_000 },
  settings: { ...NETWORK_SETTINGS, cycles: '50', kill: '0.5@10' },

  async play(stage) {
    const { simulation, settings } = stage
    const { share, cycle } = settings.kill!
    const { figures, killedCount } = await playViews(stage)
    const { series } = figures
    const cyclesUntil = (name: string, is: (value: number) => boolean): number | null => {
      const found = series.firstCycle(name, is, cycle)
      return found === undefined ? null : found - cycle + 1
    }
    if (share <= 0.5 && settings.cycles! >= cycle + RECOVERY_CYCLES) {
      const components = series.last('components')!
      simulation.demand('what is left is one grid', components === 1, `it is in ${components} parts`)
    }
    return {
      massacre: {
        killedCount,
        connectedAfterCycles: cyclesUntil('components', (count) => count === 1),
        deadUnderPercentAfterCycles: cyclesUntil('deadLinkShare', (value) => value < 0.01),
      },
      sampling: figures.section,
    }
  },
}

/** Views mend so fast that a grid may double in each cycle; by then the first short cycles of the last to join are over. */
const GROWTH = { growthShare: 1, settleCycles: 10 }

async function playViews(stage: Stage): Promise<{ readonly figures: SamplingFigures; readonly killedCount: number }> {
  const { simulation, settings, progress } = stage
  const cycles = settings.cycles!
  const grid = new ViewGrid(simulation, { keepsDisks: settings.churn !== undefined && settings.churn.kind !== 'share' })
  await grow(stage, grid, startCount(stage), GROWTH)
  const figures = new SamplingFigures(stage, () => grid.views)
  const comings = beginChurn(stage, grid, cycles)
  let killedCount = 0
  await runCycles(stage, {
    count: cycles,
    what: `${grid.upCount} nodes`,
    onStart(cycle) {
      if (cycle !== settings.kill?.cycle) return
      killedCount = grid.kill(settings.kill.share)
      progress(`${killedCount} nodes die, ${grid.upCount} are left`)
    },
    onPiece: () => comings.onPiece(),
    onEnd: (cycle) => figures.measure(cycle),
  })
  return { figures, killedCount }
}
