import { shuffle } from '../../overlay/env/index.ts'
import { DiscoveryRun } from './discovery-run.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import { whenWhole } from './partition.ts'
import type { Scenario } from './scenario.ts'
import { SELECTION_SETTINGS } from './selection.ts'

/**
 * The network connections of some nodes stop one by one, and come back one by one in another order: each moment has other nodes that
 * cannot reach each other, which finds what a single clean failure does not. After FoundationDB's simulation, whose "swizzle-clogging"
 * this is (Zhou et al., "FoundationDB: A Distributed Unbundled Transactional Key Value Store", SIGMOD 2021, section 4).
 */
export const swizzle: Scenario = {
  name: 'swizzle',
  summary: 'links of a third of the nodes stop one by one, and revive in another order',
  nodes: { min: 6, max: 20_000, default: 100 },
  settings: { ...SELECTION_SETTINGS, want: 'all', cycles: '60' },

  async play(stage) {
    const { simulation, settings } = stage
    const run = await DiscoveryRun.begin(stage)
    const stopping = run.grid.draw(Math.floor(run.grid.upCount * STOPPED_SHARE))
    const reviving = shuffle([...stopping], simulation.chance)
    const phaseCycles = Math.max(1, Math.floor(settings.cycles! / 4))
    const stopped = new Set<number>()
    const tell = (): void => simulation.network.partition([...stopped].map((index) => [run.grid.idAt(index)]))
    await run.play({
      onStart(cycle) {
        const [stopEnd, reviveEnd] = [cycle, cycle - phaseCycles].map((passed) =>
          Math.ceil((stopping.length * Math.max(0, passed)) / phaseCycles),
        ) as [number, number]
        for (const index of stopping.slice(0, stopEnd)) if (cycle <= phaseCycles) stopped.add(index)
        for (const index of reviving.slice(0, reviveEnd)) stopped.delete(index)
        tell()
        if (cycle === phaseCycles) stage.progress(`${stopped.size} nodes are cut off`)
        if (cycle === 2 * phaseCycles) stage.progress('all are back')
      },
    })
    const healedCycle = 2 * phaseCycles
    if (settings.cycles! >= healedCycle + RECOVERY_CYCLES) run.demandWhole()
    return {
      swizzle: { stoppedCount: stopping.length, healedCycle, ...whenWhole(run, healedCycle) },
      selection: run.selectionSection,
      membership: run.membership.section,
      sampling: run.sampling.section,
    }
  },
}

const STOPPED_SHARE = 1 / 3
