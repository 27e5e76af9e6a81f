import { SamplingGrid } from '../grid/index.ts'
import { runCycles } from './cycles.ts'
import { SamplingFigures } from './sampling-figures.ts'
import { viewsOf } from './sampling-views.ts'
import type { Scenario } from './scenario.ts'

/**
 * Some nodes name nobody but each other, from the first moment of a grid whose views are random: how many links of honest nodes do they
 * win, and is anybody left with attackers alone? Figures are of honest nodes' views; attackers have none.
 */
export const attack: Scenario = {
  name: 'attack',
  summary: 'some nodes push only each other: what they win of the views of the rest',
  nodes: { min: 20, max: 1_000_000, default: 10_000 },
  settings: { cycles: '100', attackers: '0.1:push', latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, nodesCount, settings } = stage
    const { share, attack: name } = settings.attackers!
    const grid = new SamplingGrid(simulation, { nodesCount, attackersShare: share, attack: name })
    const cycles = settings.cycles!
    const figures = new SamplingFigures(stage, () => viewsOf(grid, simulation))
    await runCycles(stage, {
      count: cycles,
      what: `${nodesCount} nodes, ${Math.round(share * 100)} % of them attackers`,
      onEnd: (cycle) => figures.measure(cycle),
    })
    const attackerShareMax = figures.series.max('attackerShare') ?? 0
    return {
      attack: { attack: name, attackersShare: share, attackerShareMax },
      sampling: figures.section,
    }
  },
}
