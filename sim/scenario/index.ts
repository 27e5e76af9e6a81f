import { overlay } from './overlay.ts'
import type { Scenario } from './scenario.ts'
import { smoke } from './smoke.ts'

/** Everything that `roost sim run` can play, by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [smoke, overlay].map((scenario) => [scenario.name, scenario]),
)

export type { Figure, Scenario, Section, Sections, SettingName, Settings, Stage } from './scenario.ts'
