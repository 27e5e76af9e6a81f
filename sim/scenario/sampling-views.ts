import type { Simulation } from '../engine/index.ts'
import type { SamplingGrid } from '../grid/index.ts'
import type { AttackedViews } from '../metrics/index.ts'

/** What is measured of a grid of sampling alone. Its nodes are all that the simulation has, in the same order. */
export function viewsOf(grid: SamplingGrid, simulation: Simulation): AttackedViews {
  return {
    nodesCount: grid.nodesCount,
    isUp: (index) => simulation.isUpAt(index),
    viewOf: (index) => grid.viewOf(index).map((target: number | undefined) => target ?? -1),
    isAttacker: (index) => grid.isAttacker(index),
  }
}
