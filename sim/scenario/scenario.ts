import type { Simulation } from '../engine/index.ts'

/** A story that is told to a grid, and what is measured of it. */
export interface Scenario {
  /** Also the name of its figures in the JSON. */
  readonly name: string
  /** One line for `roost sim list`. */
  readonly summary: string
  readonly nodes: { readonly min: number; readonly max: number; readonly default: number }
  /** Runs it to its end. A promise that is broken on the way is a `SIMULATION_VIOLATION`. */
  play(stage: Stage): Promise<Figures>
}

/** What a scenario is played on. */
export interface Stage {
  readonly simulation: Simulation
  readonly nodesCount: number
  /** A line about how far it is, for whoever waits. */
  progress(text: string): void
}

export type Figures = Readonly<Record<string, number | string | readonly number[]>>
