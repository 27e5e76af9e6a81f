import { CYCLE_MS, PIECE_COUNT, runCycles } from './cycles.ts'
import type { GridNodes } from './grid-nodes.ts'
import type { Stage } from './scenario.ts'

/** So many are there at first. */
const FIRST_COUNT = 500

export interface GrowthOptions {
  /** A grid grows by this share in each cycle. */
  readonly growthShare: number
  /** Cycles after the last node has joined until it is looked at: what is still being learned of the last is learned by then. */
  readonly settleCycles: number
  /** Asked after each of these cycles, and of up to `SETTLE_CYCLES_MAX` more while it says no. */
  readonly isSettled?: () => boolean
}

const SETTLE_CYCLES_MAX = 60

/** Adds nodes until there are `count`, and lets them settle. */
export async function grow(stage: Stage, grid: GridNodes, count: number, options: GrowthOptions): Promise<void> {
  let due = 0
  let wave = 0
  const addSome = (): void => {
    for (due += wave / PIECE_COUNT; due > 0.5 && grid.nodesCount < count; due--) grid.add()
  }
  for (let first = 0; first < Math.min(FIRST_COUNT, count); first++) grid.add()
  await runCycles(stage, { count: 1, what: `${grid.nodesCount} nodes join` })
  while (grid.nodesCount < count) {
    wave = Math.ceil(Math.min(count - grid.nodesCount, grid.nodesCount * options.growthShare))
    await runCycles(stage, { count: 1, what: `${grid.nodesCount + wave} nodes join`, onPiece: addSome })
  }
  let isSettled = true
  const look = (): void => void (isSettled = options.isSettled?.() ?? true)
  await runCycles(stage, { count: options.settleCycles, what: 'settling', onEnd: look })
  for (let more = 0; more < SETTLE_CYCLES_MAX && !isSettled; more++)
    await runCycles(stage, { count: 1, what: 'settling on', onEnd: look })
  stage.progress(`${grid.upCount} nodes have settled after ${Math.round(stage.simulation.nowMs / CYCLE_MS)} cycles`)
}
