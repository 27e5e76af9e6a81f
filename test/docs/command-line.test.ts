import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { plugin as aem } from '../../aem/index.ts'
import { createProgram } from '../../node/cli/program.ts'
import type { Session } from '../../node/cli/session.ts'
import { checkLayer } from '../../node/config/check.ts'
import { SETTING_KEYS } from '../../node/config/index.ts'
import { EXIT } from '../../overlay/index.ts'

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8')

/** The words and the flags of each command that does something. */
function commandsOf(command: Command, path = ''): { words: string; flags: string[] }[] {
  if (command.commands.length > 0)
    return command.commands.flatMap((child) => commandsOf(child, `${path} ${child.name()}`))
  return [{ words: path.trim(), flags: command.options.map((option) => option.long!) }]
}

/** Names and flags need nothing of a session. */
const program = createProgram({ host: { version: '0' } } as Session)

test('docs/cli.md has every command with an example', () => {
  const text = read('cli.md')
  for (const { words } of commandsOf(program)) expect(text, words).toMatch(new RegExp(`^roost ${words}\\b`, 'm'))
  for (const word of Object.keys(aem.commands!.words)) expect(text, word).toMatch(new RegExp(`^roost ${word}\\b`, 'm'))
})

test('docs/cli.md has every flag', () => {
  const text = read('cli.md')
  for (const { words, flags } of [
    ...commandsOf(program),
    { words: '', flags: program.options.map((option) => option.long!) },
  ])
    for (const flag of flags) if (flag !== '--version') expect(text, `${words} ${flag}`).toContain(flag)
})

test('docs/cli.md has every exit status', () => {
  const text = read('cli.md')
  for (const status of Object.values(EXIT)) expect(text).toMatch(new RegExp(`^\\| ${status} +\\|`, 'm'))
})

test('docs/configuration.md has every key with its flag and its variable', () => {
  const rows = read('configuration.md').split('\n')
  for (const [key, { env, flag }] of Object.entries(SETTING_KEYS)) {
    const row = rows.find((line) => line.startsWith(`| \`${key}\` `))
    expect(row, key).toBeDefined()
    if (env) expect(row).toContain(`\`${env}\``)
    if (flag) expect(row).toContain(`\`${flag}\``)
  }
})

test('the file with everything in docs/configuration.md has every key, and is taken', () => {
  const example = parse(/```yaml\n([^]*?)```/.exec(read('configuration.md'))![1]!) as Record<string, unknown>
  expect(Object.keys(example)).toEqual(Object.keys(SETTING_KEYS))
  expect(checkLayer(example)).toHaveProperty('layer')
})
