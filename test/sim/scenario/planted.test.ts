import { describe, expect, test } from 'vitest'
import { play, type PlayOptions } from '../../../sim/play.ts'
import { questionOf } from '../../../sim/queries/index.ts'
import { DiscoveryRun } from '../../../sim/scenario/discovery-run.ts'
import { SCENARIOS, type Scenario } from '../../../sim/scenario/index.ts'
import type { Stage } from '../../../sim/scenario/scenario.ts'

const selection = SCENARIOS.get('selection')!

/** Plays selection with something wrong in it. */
async function playWith(
  planted: (stage: Stage) => Promise<unknown>,
  given: PlayOptions['given'] = {},
): Promise<unknown> {
  const scenario: Scenario = {
    ...selection,
    async play(stage) {
      await planted(stage)
      return {}
    },
  }
  const all = { cycles: '1', queries: '2', share: '0.5', ...given }
  return await play(scenario, { nodesCount: 8, seed: 1, passage: 'plain', given: all, progress: () => {} })
}

describe('a promise that is broken ends the run, with the line that replays it', () => {
  const violation = (invariant: string): object =>
    expect.objectContaining({
      code: 'SIMULATION_VIOLATION',
      exitCode: 1,
      hint: expect.stringContaining('replay: roost sim run selection --nodes 8 --seed 1'),
      data: expect.objectContaining({ invariant, seed: 1 }),
    })

  test('an answer that does not match', async () => {
    const wrong = { ...questionOf('true', 5), isMatch: () => false }
    const played = playWith(async (stage) => {
      const run = await DiscoveryRun.begin({ ...stage, settings: { ...stage.settings, questions: [wrong] } })
      await run.play()
    })
    await expect(played).rejects.toEqual(violation('who is found matches and lives'))
  })

  test('a question that a node fails at', async () => {
    const impossible = { ...questionOf('true', 5), count: -1 }
    const played = playWith(async (stage) => {
      const run = await DiscoveryRun.begin({ ...stage, settings: { ...stage.settings, questions: [impossible] } })
      await run.play()
    })
    await expect(played).rejects.toEqual(violation('a node that is asked answers'))
  })

  test('a grid that stays in two parts', async () => {
    const played = playWith(
      async (stage) => {
        const run = await DiscoveryRun.begin(stage)
        const half = run.grid.up.slice(0, 4).map((index) => run.grid.idAt(index))
        stage.simulation.network.partition([half])
        await run.play()
        run.demandWhole()
      },
      { cycles: '14' },
    )
    await expect(played).rejects.toEqual(violation('the grid is one'))
  })
})
