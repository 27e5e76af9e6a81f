import { attack } from './attack.ts'
import { flashCrowd } from './flash-crowd.ts'
import { massacre } from './massacre.ts'
import { membership } from './membership.ts'
import { overlay } from './overlay.ts'
import { partition } from './partition.ts'
import { replica } from './replica.ts'
import type { Scenario } from './scenario.ts'
import { sampling } from './sampling.ts'
import { churn, selection } from './selection.ts'
import { smoke } from './smoke.ts'
import { swizzle } from './swizzle.ts'

/** Everything that `roost sim run` can play, by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [
    smoke,
    overlay,
    sampling,
    membership,
    selection,
    churn,
    massacre,
    partition,
    flashCrowd,
    swizzle,
    attack,
    replica,
  ].map((scenario) => [scenario.name, scenario]),
)

export type { Figure, Scenario, Section, Sections, SettingName, Settings, Stage } from './scenario.ts'
