import { SAMPLING_DEFAULTS } from '../../overlay/sampling/index.ts'
import type { Stage } from './scenario.ts'

/** A cycle of a scenario is one of sampling. */
export const CYCLE_MS = SAMPLING_DEFAULTS.cycleMs

/** A cycle is run in so many pieces: what is spread over it happens between two, and so is an interrupt heard. */
export const PIECE_COUNT = 20
/** A line of progress is written so often at most, in real time. */
const TELL_MS = 2_000

export interface CyclesOptions {
  readonly count: number
  /** What is going on, for the lines of progress. */
  readonly what: string
  readonly onStart?: (cycle: number) => void
  readonly onPiece?: () => void
  readonly onEnd?: (cycle: number) => void
}

/**
 * Lets `count` cycles pass, numbered from 1. `onStart` is called at the beginning of each, `onPiece` before each of its pieces,
 * `onEnd` at its end. Whoever waits hears now and then how far it is, and how fast.
 */
export async function runCycles({ simulation, progress }: Stage, options: CyclesOptions): Promise<void> {
  const { count, what, onStart, onPiece, onEnd } = options
  let toldMs = performance.now()
  let toldEvents = simulation.counts.events
  for (let cycle = 1; cycle <= count; cycle++) {
    onStart?.(cycle)
    for (let piece = 0; piece < PIECE_COUNT; piece++) {
      onPiece?.()
      await simulation.run(CYCLE_MS / PIECE_COUNT)
      const sinceMs = performance.now() - toldMs
      if (sinceMs < TELL_MS) continue
      const { events } = simulation.counts
      progress(
        `${what}: cycle ${cycle} of ${count}, ${Math.round((events - toldEvents) / sinceMs)},000 events a second`,
      )
      toldMs = performance.now()
      toldEvents = events
    }
    onEnd?.(cycle)
  }
}
