import { DiscoveryRun } from './discovery-run.ts'
import { whenWhole } from './partition.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import type { Scenario } from './scenario.ts'
import { SELECTION_SETTINGS } from './selection.ts'

/** A small grid, and then everybody comes at once: twenty for each that is there. */
export const flashCrowd: Scenario = {
  name: 'flash-crowd',
  summary: 'nineteen in twenty nodes join at the same moment: how soon everybody is found',
  nodes: { min: 20, max: 100_000, default: 400 },
  settings: { ...SELECTION_SETTINGS, want: 'all', cycles: '30' },

  async play(stage) {
    const { nodesCount, settings } = stage
    const firstCount = Math.max(FIRST_COUNT_MIN, Math.floor(nodesCount / CROWD_FACTOR))
    const run = await DiscoveryRun.begin(stage, firstCount)
    await run.play({
      onStart(cycle) {
        if (cycle !== 1) return
        while (run.grid.nodesCount < nodesCount) run.grid.add()
        stage.progress(`${nodesCount - firstCount} nodes join at once`)
      },
    })
    if (settings.cycles! >= RECOVERY_CYCLES) run.demandWhole()
    return {
      'flash-crowd': { firstCount, crowdCount: nodesCount - firstCount, ...whenWhole(run, 1) },
      selection: run.selectionSection,
      membership: run.membership.section,
      sampling: run.sampling.section,
    }
  },
}

const CROWD_FACTOR = 20
const FIRST_COUNT_MIN = 2
