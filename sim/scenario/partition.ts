import { shuffle } from '../../overlay/env/index.ts'
import { DiscoveryRun } from './discovery-run.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import type { Scenario } from './scenario.ts'
import { SELECTION_SETTINGS } from './selection.ts'

/**
 * The network falls into two halves, and heals. While it is split each half finds but its own; what is asked is whether the halves
 * find each other again, and how soon.
 */
export const partition: Scenario = {
  name: 'partition',
  summary: 'the network splits into two halves, and heals: do they grow together',
  nodes: { min: 8, max: 100_000, default: 200 },
  settings: { ...SELECTION_SETTINGS, want: 'all', cycles: '60' },

  async play(stage) {
    const { simulation, settings } = stage
    const run = await DiscoveryRun.begin(stage)
    const splitCycle = 1 + Math.floor(settings.cycles! / 6)
    const healCycle = Math.max(splitCycle + 1, Math.floor(settings.cycles! / 2))
    await run.play({
      onStart(cycle) {
        if (cycle === splitCycle) {
          const half = shuffle([...run.grid.up], simulation.chance).slice(0, run.grid.upCount >> 1)
          simulation.network.partition([half.map((index) => run.grid.idAt(index))])
          stage.progress(`split into ${half.length} and ${run.grid.upCount - half.length}`)
        } else if (cycle === healCycle) {
          simulation.network.heal()
          stage.progress('healed')
        }
      },
    })
    if (settings.cycles! >= healCycle + RECOVERY_CYCLES) run.demandWhole()
    return {
      partition: { splitCycle, healCycle, ...whenWhole(run, healCycle) },
      selection: run.selectionSection,
      membership: run.membership.section,
      sampling: run.sampling.section,
    }
  },
}

/** The first cycles from one on in which views connect the grid, and in which whoever asks finds nearly all there are. */
export function whenWhole(
  run: DiscoveryRun,
  fromCycle: number,
): { readonly connectedCycle: number | null; readonly foundCycle: number | null } {
  const found = run.questions.outcomes
    .filter(({ cycle }) => cycle >= fromCycle)
    .toSorted((one, other) => one.cycle - other.cycle)
  const lastIncomplete = found.findLast(
    ({ settledCount, settledRightCount }) => settledRightCount < FOUND_SHARE * settledCount,
  )
  const foundCycle = lastIncomplete === undefined ? fromCycle : lastIncomplete.cycle + 1
  return {
    connectedCycle: run.sampling.series.firstCycle('components', (count) => count === 1, fromCycle) ?? null,
    foundCycle: found.length === 0 || foundCycle > found.at(-1)!.cycle ? null : foundCycle,
  }
}
const FOUND_SHARE = 0.99
