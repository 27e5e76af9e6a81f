import { uniformPopulation } from '../population/index.ts'
import { DiscoveryRun } from './discovery-run.ts'
import type { Scenario } from './scenario.ts'

/** Some nodes die at once, and others take them for dead: how soon, and how often wrongly, on a network that loses messages. */
export const membership: Scenario = {
  name: 'membership',
  summary: 'some nodes die: how soon the others know, and who is taken for dead that lives',
  nodes: { min: 4, max: 50_000, default: 500 },
  settings: { cycles: '20', kill: '0.05@5', churn: '', latency: 'uniform:20-100', loss: '0.01' },

  async play(stage) {
    // Nobody asks what these machines are; a few attributes give them the cells that they would have.
    const population = uniformPopulation(ATTRIBUTE_COUNT, stage.simulation.seed)
    const run = await DiscoveryRun.begin({ ...stage, settings: { ...stage.settings, population } })
    await run.play()
    return { membership: run.membership.section, sampling: run.sampling.section }
  },
}

const ATTRIBUTE_COUNT = 4
