import { CYCLE_MS, PIECE_COUNT, runCycles } from './cycles.ts'
import type { DiscoveryGrid } from './grid.ts'
import type { Stage } from './scenario.ts'

/** So many are there at first; then a grid grows by this share each cycle, as much as one that people join on their own. */
const FIRST_COUNT = 500
const GROWTH_SHARE = 0.3

/** Cycles after the last node has joined until it is looked at: what is still being learned of the last is learned by then. */
const SETTLE_CYCLES = 12

/** Adds nodes until there are `count`, and lets them settle. */
export async function grow(stage: Stage, grid: DiscoveryGrid, count: number): Promise<void> {
  let due = 0
  let wave = 0
  const addSome = (): void => {
    for (due += wave / PIECE_COUNT; due > 0.5 && grid.nodesCount < count; due--) grid.add()
  }
  for (let first = 0; first < Math.min(FIRST_COUNT, count); first++) grid.add()
  await runCycles(stage, { count: 1, what: `${grid.nodesCount} nodes join` })
  while (grid.nodesCount < count) {
    wave = Math.ceil(Math.min(count - grid.nodesCount, grid.nodesCount * GROWTH_SHARE))
    await runCycles(stage, { count: 1, what: `${grid.nodesCount + wave} nodes join`, onPiece: addSome })
  }
  await runCycles(stage, { count: SETTLE_CYCLES, what: 'settling' })
  stage.progress(`${grid.upCount} nodes have settled after ${Math.round(stage.simulation.nowMs / CYCLE_MS)} cycles`)
}
