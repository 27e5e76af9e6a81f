import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SAMPLING_ATTACKS } from '../../sim/adversary/index.ts'
import { SYSTEM_NAMES } from '../../sim/churn/index.ts'
import { play } from '../../sim/play.ts'
import { SCENARIOS } from '../../sim/scenario/index.ts'
import { readSettings, SETTING_NAMES } from '../../sim/settings.ts'

const read = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
const cli = read('cli.md')
const simulator = read('simulator.md')

test('docs/cli.md has every flag of a run', () => {
  for (const name of [...SETTING_NAMES, 'nodes', 'seed', 'strict', 'codec', 'json', 'report'])
    expect(cli).toContain(`--${name}`)
})

test('docs/simulator.md has every scenario and every system', () => {
  for (const name of SCENARIOS.keys()) expect(simulator).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  for (const name of SYSTEM_NAMES) expect(simulator).toContain(`\`${name}\``)
  expect(SAMPLING_ATTACKS.length).toBeGreaterThan(0)
})

test('docs/simulator.md says what each figure is', async () => {
  const given = { cycles: '1', queries: '1', share: '0.5' }
  const { sections } = await play(SCENARIOS.get('churn')!, {
    nodesCount: 6,
    seed: 1,
    passage: 'plain',
    given,
    progress: () => {},
  })
  for (const section of Object.values(sections))
    for (const figure of Object.keys(section)) expect(simulator, figure).toContain(`\`${figure}\``)
})

test('every scenario understands its own defaults', () => {
  for (const scenario of SCENARIOS.values())
    expect(() => readSettings(scenario, {}, { seed: 1, nodesCount: scenario.nodes.min })).not.toThrow()
})
