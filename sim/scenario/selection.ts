import { DiscoveryRun } from './discovery-run.ts'
import type { Scenario, Sections, Stage } from './scenario.ts'

/** What selection can be told, whatever else happens to the grid. */
export const SELECTION_SETTINGS = {
  population: 'uniform:16',
  queries: '200',
  constrain: '3',
  share: '0.0125',
  want: '50',
  latency: 'uniform:20-100',
  loss: '',
} as const

/** Whole discoveries, as daemons mount them: what a query costs and how good its answer is, on tables that gossip has built. */
export const selection: Scenario = {
  name: 'selection',
  summary: 'queries by users of a grid that gossip has built: what they cost, and whether they find what there is',
  nodes: { min: 4, max: 200_000, default: 1_000 },
  settings: { ...SELECTION_SETTINGS, cycles: '20', churn: '', kill: '' },
  play: playSelection,
}

/** The same while nodes come and go. */
export const churn: Scenario = {
  name: 'churn',
  summary: 'nodes come and go all the time: is who is there found, and who is gone forgotten',
  nodes: { min: 4, max: 200_000, default: 500 },
  settings: { ...SELECTION_SETTINGS, cycles: '20', churn: '0.01', kill: '', want: 'all' },
  play: playSelection,
}

async function playSelection(stage: Stage): Promise<Sections> {
  const run = await DiscoveryRun.begin(stage)
  await run.play()
  return {
    selection: run.selectionSection,
    membership: run.membership.section,
    sampling: run.sampling.section,
  }
}
