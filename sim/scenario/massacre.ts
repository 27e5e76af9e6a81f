import { shuffle } from '../../overlay/env/index.ts'
import { SamplingGrid } from '../grid/index.ts'
import { runCycles } from './cycles.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import { SamplingFigures } from './sampling-figures.ts'
import type { Scenario } from './scenario.ts'
import { viewsOf } from './sampling-views.ts'

/** A share of all nodes dies in one moment. Those that are left must stay one grid, and forget the dead. */
export const massacre: Scenario = {
  name: 'massacre',
  summary: 'half of the nodes, or more, die at once: is what is left one grid, and when has it forgotten them',
  nodes: { min: 4, max: 1_000_000, default: 10_000 },
  settings: { cycles: '50', kill: '0.5@10', latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, nodesCount, settings, progress } = stage
    const { share, cycle: killCycle } = settings.kill!
    const cycles = settings.cycles!
    const killedCount = Math.floor(share * nodesCount)
    const grid = new SamplingGrid(simulation, { nodesCount })
    const figures = new SamplingFigures(stage, () => viewsOf(grid, simulation))
    await runCycles(stage, {
      count: cycles,
      what: `${nodesCount} nodes`,
      onStart(cycle) {
        if (cycle !== killCycle) return
        const doomed = shuffle([...Array.from({ length: nodesCount }).keys()], simulation.chance).slice(0, killedCount)
        for (const index of doomed) grid.crash(index)
        progress(`${killedCount} nodes die, ${nodesCount - killedCount} are left`)
      },
      onEnd: (cycle) => figures.measure(cycle),
    })
    const { series } = figures
    if (share <= 0.5 && cycles >= killCycle + RECOVERY_CYCLES) {
      const components = series.last('components')!
      simulation.demand('what is left is one grid', components === 1, `it is in ${components} parts`)
    }
    const cyclesUntil = (name: string, is: (value: number) => boolean): number | null => {
      const found = series.firstCycle(name, is, killCycle)
      return found === undefined ? null : found - killCycle + 1
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
