import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadSettings, SETTING_KEYS, type SettingTexts } from '../../../node/config/index.ts'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'roost-config-'))
})

afterEach(() => {
  rmSync(home, { recursive: true })
})

function settings(from: { flags?: SettingTexts; env?: Record<string, string>; configFile?: string } = {}) {
  const env = { ROOST_CONFIG_DIR: home, HOME: home, ...from.env }
  return loadSettings({ flags: from.flags ?? {}, env, configFile: from.configFile, pluginNames: ['aem'] })
}

function write(text: string): string {
  const file = join(home, 'config.yaml')
  mkdirSync(home, { recursive: true })
  writeFileSync(file, text)
  return file
}

describe('where a setting comes from', () => {
  test('without any source there is a default for each', async () => {
    const found = await settings()
    expect(found).toMatchObject({
      port: 7667,
      apiPort: 0,
      listen: ['0.0.0.0', '::'],
      logLevel: 'info',
      plugins: { aem: {} },
    })
    expect(found.dataDir).toBe(join(home, '.local/share/roost'))
    expect(found.userDir).toBe(home)
  })

  test('a flag comes before the environment, and that before the file', async () => {
    write('port: 1\nname: file\nlog-level: warn\n')
    const found = await settings({ flags: { port: '3' }, env: { ROOST_PORT: '2', ROOST_NAME: 'environment' } })
    expect(found).toMatchObject({ port: 3, name: 'environment', logLevel: 'warn' })
  })

  test('a file that is named is read instead of the usual ones', async () => {
    write('port: 1\nname: usual\n')
    const file = join(home, 'other.yaml')
    writeFileSync(file, 'port: 5\n')
    const found = await settings({ configFile: file })
    expect(found.port).toBe(5)
    expect(found.name).not.toBe('usual')
  })

  test('labels come together name by name', async () => {
    write('labels: { site: lyon, rack: 3 }\n')
    const found = await settings({ env: { ROOST_LABELS: 'rack=4,gpu.driver=550' } })
    expect(found.labels).toEqual({ site: 'lyon', rack: 4, 'gpu.driver': 550 })
  })

  test('a plugin gets what the file says, runs without settings, or is left out', async () => {
    write('plugins:\n  aem: false\n  some-package: { slots: 4 }\n  other:\n')
    expect((await settings()).plugins).toEqual({ 'some-package': { slots: 4 }, other: {} })
  })

  test('an empty file says nothing', async () => {
    write('# nothing yet\n')
    expect((await settings()).port).toBe(7667)
  })

  test('a relative data directory is one below where the command runs', async () => {
    expect((await settings({ flags: { data: 'here' } })).dataDir).toBe(join(process.cwd(), 'here'))
  })
})

describe('what cannot be understood', () => {
  const malformed = [
    ['a misspelt key', 'name: a\nprot: 3\n', 2, 1, /no setting "prot"/],
    ['a port beyond all ports', 'port: 70000\n', 1, 1, /port: .*65535/],
    ['text for a number', 'name: a\nport: "8"\n', 2, 1, /port: expected a whole number/],
    ['no address', 'listen: [127.0.0.1, foo]\n', 1, 21, /expected an IP address/],
    ['a label with a space', 'labels:\n  a b: 3\n', 2, 3, /letters, digits/],
    ['a plugin that is a number', 'plugins:\n  aem: 3\n', 2, 3, /plugins\.aem: expected its settings/],
    ['a list that is not closed', 'listen: [\n', 2, 1, /./],
    ['a key twice', 'name: a\nname: b\n', 2, 1, /unique/],
    ['a list for the whole', '- 1\n', 1, 1, /the file: expected/],
    ['an unknown level', 'log-level: loud\n', 1, 1, /log-level: .*"debug"/],
  ] as const

  test.each(malformed)('%s is refused with line and column', async (_, text, line, column, message) => {
    const file = write(text)
    await expect(settings()).rejects.toMatchObject({
      code: 'CONFIG_MALFORMED',
      file,
      line,
      column,
      message: expect.stringMatching(message),
    })
  })

  test('a misspelt key comes with the one that was meant', async () => {
    write('prot: 3\n')
    await expect(settings()).rejects.toMatchObject({ hint: 'did you mean "port"?' })
  })

  test('a bomb of aliases is refused', async () => {
    const levels = Array.from({ length: 12 }, (_, level) => `l${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`)
    write(`l: &a-1 [x]\n${levels.join('\n')}\n`)
    await expect(settings()).rejects.toMatchObject({ code: 'CONFIG_MALFORMED' })
  })

  test('a bad variable is told by its name, and by the flag that it stands for', async () => {
    await expect(settings({ env: { ROOST_PORT: 'http' } })).rejects.toMatchObject({
      code: 'CONFIG_MALFORMED',
      message: expect.stringContaining('--port or ROOST_PORT'),
    })
  })

  test('a named file that is not there', async () => {
    await expect(settings({ configFile: join(home, 'none.yaml') })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})

test('a directory of its own stands for each key that has a flag', () => {
  for (const [key, { flag }] of Object.entries(SETTING_KEYS)) if (flag) expect(flag).toBe(`--${key}`)
})
