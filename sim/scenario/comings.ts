import type { Rng } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'
import { draw, drawResidual, meanOf, type Session, type SystemChurn } from '../churn/index.ts'
import { drawsFor } from '../population/index.ts'
import { CYCLE_MS, PIECE_COUNT } from './cycles.ts'
import type { GridNodes } from './grid-nodes.ts'
import type { Stage } from './scenario.ts'

/** Nodes that come and go. `onPiece` is to be called before each piece of a cycle. */
export interface Comings {
  onPiece(): void
}

/** How many nodes are to be up when churn begins. `USAGE` where a trace begins with nobody. */
export function startCount({ nodesCount, settings: { churn } }: Stage): number {
  if (churn?.kind !== 'trace') return nodesCount
  const { present } = machinesOf(churn.nodes, nodesCount)
  if (present.length > 0) return present.length
  throw new RoostError('USAGE', '--churn: nobody is up at the beginning of the trace, at second 0')
}

/** Lets nodes come and go from now on, for so many cycles. */
export function beginChurn(stage: Stage, grid: GridNodes, cycles: number): Comings {
  const { churn } = stage.settings
  switch (churn?.kind) {
    case undefined:
      return NOBODY
    case 'share':
      return new ShareChurn(grid, churn.share)
    case 'system':
      return beginSystem(stage, grid, churn, cycles * CYCLE_MS)
    case 'trace':
      return beginTrace(stage, grid, churn.nodes, cycles * CYCLE_MS)
  }
}

const NOBODY: Comings = { onPiece: () => {} }

/** Some crash and as many new ones join, evenly over the cycle. */
class ShareChurn implements Comings {
  readonly #grid: GridNodes
  readonly #perPiece: number
  #due = 0

  constructor(grid: GridNodes, share: number) {
    this.#grid = grid
    this.#perPiece = (share * grid.upCount) / PIECE_COUNT
  }

  onPiece(): void {
    for (this.#due += this.#perPiece; this.#due >= 1; this.#due--) {
      const [leaving] = this.#grid.draw(1)
      if (leaving !== undefined) this.#grid.crash(leaving)
      this.#grid.add()
    }
  }
}

/**
 * Machines that are found in the middle of their lives: those that are up have some of their session left, and beside them there are
 * as many that are down as the means of both say. Who has been down comes back with its disk.
 */
function beginSystem(stage: Stage, grid: GridNodes, { up, down }: SystemChurn, horizonMs: number): Comings {
  const after = timerUntil(stage, horizonMs)
  const { seed } = stage.simulation
  const live = (index: number, rng: Rng, leftMs: number): void =>
    after(leftMs, () => {
      grid.crash(index)
      after(draw(down, rng), () => {
        grid.restart(index)
        live(index, rng, draw(up, rng))
      })
    })
  const upCount = grid.nodesCount
  for (let machine = 0; machine < upCount; machine++) {
    const rng = drawsFor(seed, 'session', machine)
    live(machine, rng, drawResidual(up, rng))
  }
  const downCount = Math.round((upCount * meanOf(down)) / meanOf(up))
  for (let machine = upCount; machine < upCount + downCount; machine++) {
    const rng = drawsFor(seed, 'session', machine)
    after(drawResidual(down, rng), () => live(grid.add(), rng, draw(up, rng)))
  }
  return NOBODY
}

/** Each machine follows a node of the trace, which begins now; where there are more machines than nodes, several follow one. */
function beginTrace(stage: Stage, grid: GridNodes, nodes: readonly (readonly Session[])[], horizonMs: number): Comings {
  const at = timerUntil(stage, horizonMs)
  const { present, absent } = machinesOf(nodes, stage.nodesCount)
  const follow = (index: number, sessions: readonly Session[]): void => {
    for (const [place, { startMs, endMs }] of sessions.entries()) {
      if (place > 0) at(startMs, () => grid.restart(index))
      at(endMs, () => grid.crash(index))
    }
  }
  for (const [index, sessions] of present.entries()) follow(index, sessions)
  for (const sessions of absent)
    at(sessions[0]!.startMs, () => {
      const index = grid.add()
      const startedMs = sessions[0]!.startMs
      follow(
        index,
        sessions.map(({ startMs, endMs }) => ({ startMs: startMs - startedMs, endMs: endMs - startedMs })),
      )
    })
  return NOBODY
}

/** What lies behind the end of the run need not wait for it. */
function timerUntil({ simulation }: Stage, horizonMs: number): (delayMs: number, action: () => void) => void {
  const endMs = simulation.nowMs + horizonMs
  return (delayMs, action) => {
    if (simulation.nowMs + delayMs <= endMs) simulation.act(delayMs, action)
  }
}

function machinesOf(
  nodes: readonly (readonly Session[])[],
  nodesCount: number,
): { readonly present: readonly (readonly Session[])[]; readonly absent: readonly (readonly Session[])[] } {
  const all = Array.from({ length: nodesCount }, (_, machine) => nodes[machine % nodes.length]!)
  return {
    present: all.filter((sessions) => sessions[0]!.startMs === 0),
    absent: all.filter((sessions) => sessions[0]!.startMs > 0),
  }
}
