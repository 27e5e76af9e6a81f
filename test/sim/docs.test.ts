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

test('docs/simulator.md has every scenario, every system and every attack', () => {
  for (const name of SCENARIOS.keys()) expect(simulator).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  for (const name of SYSTEM_NAMES) expect(simulator).toContain(`\`${name}\``)
  for (const name of SAMPLING_ATTACKS) expect(simulator).toContain(`\`${name}\``)
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

const readme = readFileSync(join(import.meta.dirname, '../../sim/README.md'), 'utf8')
const commands = [cli, simulator, readme].flatMap((text) => text.match(/^(\$ )?roost sim run .*$/gm) ?? [])

test.each(commands)('%s can be meant', (line) => {
  const [name, ...flags] = line
    .replace(/^.*sim run /, '')
    .replace(/#.*$/, '')
    .trim()
    .split(/ +/)
  const scenario = SCENARIOS.get(name!)!
  const given: Record<string, string> = {}
  let nodesCount = scenario.nodes.default
  for (let at = 0; at < flags.length; at += flags[at] === '--json' ? 1 : 2) {
    const [flag, value] = [flags[at]!.slice(2), flags[at + 1]!]
    if (flag === 'nodes') nodesCount = Number(value)
    else if (SETTING_NAMES.some((setting) => setting === flag) && !/\.(csv|jsonl?)$/.test(value)) given[flag] = value
    else expect(['seed', 'json', 'report', 'population', 'queries', 'churn']).toContain(flag)
  }
  expect(nodesCount).toBeLessThanOrEqual(scenario.nodes.max)
  expect(() => readSettings(scenario, given, { seed: 1, nodesCount })).not.toThrow()
})

test('every scenario understands its own defaults', () => {
  for (const scenario of SCENARIOS.values())
    expect(() => readSettings(scenario, {}, { seed: 1, nodesCount: scenario.nodes.min })).not.toThrow()
})
