import type { Rng } from '../../overlay/env/index.ts'
import type { AttackName } from '../adversary/index.ts'
import type { Churn } from '../churn/index.ts'
import type { Simulation } from '../engine/index.ts'
import type { Population } from '../population/index.ts'
import type { Question } from '../queries/index.ts'

/** A story that is told to a grid, and what is measured of it. */
export interface Scenario {
  readonly name: string
  /** One line for `roost sim list`. */
  readonly summary: string
  readonly nodes: { readonly min: number; readonly max: number; readonly default: number }
  /** What else can be set, each with its default as on the command line; '' where it is not set by default. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>
  /** Runs it to its end. A promise that is broken on the way is a `SIMULATION_VIOLATION`. */
  play(stage: Stage): Promise<Sections>
}

/** What scenarios can be told, by the names of their flags. */
export type SettingName =
  | 'cycles'
  | 'churn'
  | 'kill'
  | 'population'
  | 'queries'
  | 'constrain'
  | 'share'
  | 'want'
  | 'attackers'
  | 'latency'
  | 'loss'

/** The settings of one run, read. Those that a scenario names with a default are there. */
export interface Settings {
  readonly cycles?: number
  readonly churn?: Churn
  readonly kill?: { readonly share: number; readonly cycle: number }
  readonly population?: Population
  readonly questions?: readonly Question[]
  readonly attackers?: { readonly share: number; readonly attack: AttackName }
}

/** What a scenario is played on. */
export interface Stage {
  readonly simulation: Simulation
  readonly nodesCount: number
  readonly settings: Settings
  /** For what is no part of the run: which nodes a measurement samples. A draw from it changes no trace. */
  readonly samples: Rng
  /** A line about how far it is, for whoever waits. */
  progress(text: string): void
}

/** The figures of one part of the overlay, or of the story itself, by its name: `sampling`, `membership`, `selection`, `massacre`. */
export type Sections = Readonly<Record<string, Section>>

export type Figure = number | string | null | readonly (number | null)[]

/** Figures, quantiles of figures, and what was measured in each cycle: lists of one length, null where a cycle has no figure. */
export interface Section {
  readonly [name: string]: Figure | Readonly<Record<string, Figure>>
}
