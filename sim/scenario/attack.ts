import { measureViews } from '../metrics/index.ts'
import { AttackedGrid } from './attacked-grid.ts'
import { CYCLE_MS, runCycles } from './cycles.ts'
import { grow } from './growth.ts'
import { SamplingFigures } from './sampling-figures.ts'
import type { Scenario } from './scenario.ts'
import { Series } from './series.ts'

/**
 * Some nodes of a grid are hostile from their first moment, know everyone, and name nobody but each other: how many links of honest nodes
 * do they win, and is anybody left with attackers alone? Figures are of honest nodes' views; attackers have none. `sampling` is what
 * others of a node draw random nodes from, `shuffles` what sampling alone would give them.
 */
export const attack: Scenario = {
  name: 'attack',
  summary: 'some nodes push only each other: what they win of the views of the rest',
  nodes: { min: 20, max: 200_000, default: 1_000 },
  settings: { cycles: '100', attackers: '0.1:push', latency: 'uniform:20-100', loss: '' },

  async play(stage) {
    const { simulation, nodesCount, settings } = stage
    const { share, attack: name } = settings.attackers!
    const grid = new AttackedGrid(simulation, { attackersShare: share, attack: name, discovery: PROBED_SELDOM })
    await grow(stage, grid, nodesCount, GROWTH)
    const sampling = new SamplingFigures(stage, () => grid.views)
    const shuffles = new Series()
    await runCycles(stage, {
      count: settings.cycles!,
      what: `${nodesCount} nodes, ${Math.round(share * 100)} % of them attackers`,
      onEnd: (cycle) => {
        sampling.measure(cycle)
        const { attackerShare, eclipsed } = measureViews(grid.shuffledViews)
        shuffles.add(cycle, { attackerShare, eclipsed })
      },
    })
    return {
      attack: {
        attack: name,
        attackersShare: share,
        attackerShareMax: sampling.series.max('attackerShare') ?? 0,
        eclipsedMax: sampling.series.max('eclipsed') ?? 0,
        refusedCount: [...grid.refusals.values()].reduce((sum, count) => sum + count, 0),
      },
      sampling: sampling.section,
      shuffles: {
        attackerShare: shuffles.last('attackerShare') ?? null,
        eclipsed: shuffles.last('eclipsed') ?? null,
        series: shuffles.document,
      },
    }
  },
}

/** Nobody dies here: whether all are probed once a second or once a cycle changes how long the run takes. */
const PROBED_SELDOM = { membership: { probeMs: CYCLE_MS } }
/** As other grids grow. Who has just come believes what it is told, until it has found its cell and its guests. */
const GROWTH = { growthShare: 0.3, settleCycles: 12 }
