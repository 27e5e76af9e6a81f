import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { roost, type CommandOptions } from './command.ts'

let home: string
/** A home without a daemon, a configuration or a dev grid. */
let env: Record<string, string>

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'roost-cli-'))
  env = { HOME: home, TMPDIR: home, ROOST_CONFIG_DIR: join(home, 'config') }
})

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

const run = (args: readonly string[], options: CommandOptions = {}) =>
  roost(args, { ...options, env: { ...env, ...options.env } })

describe('what a command loads', () => {
  const recorder = fileURLToPath(new URL('record-modules.ts', import.meta.url))

  async function modulesOf(...args: string[]): Promise<string[]> {
    const file = join(home, `modules-${args[0]!.replaceAll('-', '')}`)
    writeFileSync(file, '')
    await run(args, { nodeArgs: ['--import', recorder], env: { RECORD_MODULES_IN: file } })
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((url) => url.startsWith('file:'))
  }

  test('--version loads nothing but the entry', async () => {
    expect(await modulesOf('--version')).toEqual([expect.stringMatching(/\/roost\.ts$/)])
  })

  test.each([['status'], ['nodes'], ['find', 'Cores > 1'], ['expr', '1'], ['ps'], ['down'], ['help'], ['doctor']])(
    '%s loads none of the daemon',
    async (...args) => {
      const modules = await modulesOf(...args)
      expect(modules.length).toBeGreaterThan(5)
      const daemonOnly =
        /\/node_modules\/(@?libp2p|@libp2p|level|classic-level|datastore-|pino|hono|@hono|prom-client|undici)|\/node\/(daemon|net|surface|measure)\//
      expect(modules.filter((url) => daemonOnly.test(url))).toEqual([])
    },
  )

  test('a command without a configuration file loads neither parser nor schemas for one', async () => {
    expect((await modulesOf('nodes')).filter((url) => /node_modules\/(yaml|zod)\//.test(url))).toEqual([])
  })

  test("a plugin's commands are loaded when one of them is used", async () => {
    expect((await modulesOf('ps')).some((url) => url.includes('/aem/commands/'))).toBe(true)
    expect((await modulesOf('help')).some((url) => url.includes('/aem/commands/'))).toBe(false)
    expect((await modulesOf('nodes')).some((url) => url.includes('/aem/'))).toBe(false)
  })
})

describe('a slip', () => {
  test('in a command names the one that was meant', async () => {
    expect(await run(['fnd', 'x'])).toEqual({
      status: 2,
      stdout: '',
      stderr: "roost: unknown command 'fnd' (USAGE)\ndid you mean find?\n",
    })
    expect((await run(['submitt'])).stderr).toContain('did you mean submit?')
  })

  test('in a flag does too', async () => {
    expect(await run(['find', 'true', '--rnak', '1'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean --rank?'),
    })
  })

  test('a missing argument leads to help', async () => {
    expect(await run(['find'])).toMatchObject({ status: 2, stderr: expect.stringContaining('see `roost help find`') })
  })

  test('in an expression is told before any daemon is asked, with a mark under the column', async () => {
    const { status, stdout, stderr } = await run(['find', 'Cores >= && 2'])
    expect(status).toBe(2)
    expect(stdout).toBe('')
    const [first, shown, mark] = stderr.split('\n')
    expect(first).toContain('EXPRESSION_MALFORMED')
    expect(shown).toBe('  Cores >= && 2')
    expect(mark!.indexOf('^')).toBe(2 + 'Cores >= '.length)
  })

  test('in a rank, a count, a timeout', async () => {
    expect((await run(['find', 'true', '--rank', '1 +'])).stderr).toContain('EXPRESSION_MALFORMED')
    expect((await run(['find', 'true', '-n', 'many'])).stderr).toContain('USAGE')
    expect((await run(['find', 'true', '--timeout', '5'])).stderr).toContain('write 500ms, 5s')
  })

  test('in the configuration names file, line and column', async () => {
    const file = join(home, 'bad.yaml')
    writeFileSync(file, 'name: a\nprot: 1\n')
    const { status, stderr } = await run(['nodes', '--config', file])
    expect(status).toBe(2)
    expect(stderr).toBe(`roost: ${file}:2:1: there is no setting "prot" (CONFIG_MALFORMED)\ndid you mean "port"?\n`)
  })

  test('a ticket that is none starts nothing', async () => {
    const data = join(home, 'never')
    const { status, stderr } = await run(['join', 'hello', '--data', data])
    expect(status).toBe(2)
    expect(stderr).toContain('TICKET_MALFORMED')
    expect(() => readFileSync(join(data, 'daemon.log'))).toThrow()
  })
})

describe('without a daemon', () => {
  test.each([['nodes'], ['status'], ['down'], ['leave'], ['invite'], ['find', 'true'], ['ps']])(
    '%s says so',
    async (...args) => {
      expect(await run(args)).toEqual({
        status: 5,
        stdout: '',
        stderr: 'roost: no daemon runs here (DAEMON_UNREACHABLE)\nstart it: `roost up`\n',
      })
    },
  )

  test('the error is a record with --json, and stdout stays empty', async () => {
    const { status, stdout, stderr } = await run(['nodes', '--json'])
    expect(status).toBe(5)
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({ code: 'DAEMON_UNREACHABLE', hint: 'start it: `roost up`' })
  })

  test('doctor still looks at the machine', async () => {
    const { stdout } = await run(['doctor', '--json'])
    const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string }[] }
    expect(checks.map((check) => check.name)).toEqual(['node', 'data', 'disk', 'port', 'port', 'daemon'])
    expect(checks.find((check) => check.name === 'data')).toMatchObject({ state: 'ok' })
  })

  test('doctor fails where the data directory cannot be made, and says what to do', async () => {
    const { status, stdout } = await run(['doctor', '--data', '/proc/roost'])
    expect(status).toBe(1)
    expect(stdout).toMatch(/data: choose another directory/)
  })

  test('up says that a directory cannot be written', async () => {
    const result = await run(['up', '--detach', '--data', '/proc/roost'])
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('DIRECTORY_UNWRITABLE') })
  })

  test('a shell that works with a dev grid does not start a daemon by mistake', async () => {
    const result = await run(['up'], { env: { ROOST_DEV_DIR: join(home, 'dev') } })
    expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('roost dev up') })
  })
})

describe('expr', () => {
  test.each([
    ['1 + 2', 3, 'integer'],
    ['1 / 2.0', 0.5, 'real'],
    ['"a" == "A"', true, 'boolean'],
    ['Nothing > 1', null, 'undefined'],
    ['{1, "a", undefined}', [1, 'a', null], 'list'],
    ['[a = 1; b = a + 1]', { a: 1, b: 2 }, 'ad'],
    ['2GiB', 2 ** 31, 'integer'],
    ['9223372036854775807', '9223372036854775807', 'integer'],
    ['real("INF")', 'Infinity', 'real'],
  ])('%s', async (expression, value, type) => {
    const { status, stdout } = await run(['expr', expression, '--json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ value, type })
  })

  test('an error value has its reason', async () => {
    expect(JSON.parse((await run(['expr', '1 + error', '--json'])).stdout)).toMatchObject({
      value: null,
      type: 'error',
      reason: expect.any(String),
    })
  })

  test('sees attributes of a JSON object, of an ad, and of lines', async () => {
    const ads = [
      '{"Cores": 8, "Software": ["python"]}',
      '[Cores = 8; Software = {"python"}]',
      'Cores = 8\nSoftware = {"python"}\n',
    ]
    for (const ad of ads) {
      const result = await run(['expr', 'Cores >= 8 && member("python", Software)', '--ad', '-'], { input: ad })
      expect(result).toMatchObject({ status: 0, stdout: 'true\n' })
    }
  })

  test('sees the attributes in a report of a node', async () => {
    const input = JSON.stringify({ id: '12D3KooW', name: 'lab', attributes: { Cores: 8, FreeCores: 2 } })
    expect((await run(['expr', 'Cores > FreeCores', '--ad', '-'], { input })).stdout).toBe('true\n')
  })

  test('sees a target', async () => {
    const file = join(home, 'target.json')
    writeFileSync(file, '{"Memory": 4096}')
    expect((await run(['expr', 'TARGET.Memory > 1KiB', '--target', file])).stdout).toBe('true\n')
  })

  test('a bad ad is told with its file, line and column', async () => {
    const file = join(home, 'bad.ad')
    writeFileSync(file, '[a = 1;\n b = ;]')
    expect((await run(['expr', 'a', '--ad', file])).stderr).toMatch(/bad\.ad: line 2, column 6/)
    writeFileSync(file, '{"a": 1,\n"b" 2}')
    const { status, stderr } = await run(['expr', 'a', '--ad', file, '--json'])
    expect(status).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'EXPRESSION_MALFORMED', file, line: 2 })
  })

  test('a file that is not there', async () => {
    expect(await run(['expr', 'a', '--ad', join(home, 'none')])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('FILE_UNREADABLE'),
    })
  })
})

describe('help and completion', () => {
  test('help lists commands of roost and of its plugins', async () => {
    const { status, stdout } = await run(['help'])
    expect(status).toBe(0)
    for (const word of ['up', 'find', 'nodes', 'dev', 'submit', 'run'])
      expect(stdout).toMatch(new RegExp(`^  ${word}\\b`, 'm'))
    expect((await run([])).stdout).toBe(stdout)
  })

  test.each(['bash', 'zsh', 'fish'])('%s completes commands, their commands and flags', async (shell) => {
    const { status, stdout } = await run(['completion', shell])
    expect(status).toBe(0)
    for (const word of ['find', 'label', 'rank', 'submit']) expect(stdout).toContain(word)
  })

  test('bash completes what fits where it stands', async () => {
    const { stdout: script } = await run(['completion', 'bash'])
    const completed = (...words: string[]): string[] => {
      const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _roost; echo "\${COMPREPLY[*]}"`
      const told = execFileSync('bash', ['-c', `${script}\n${ask}`, 'bash', 'roost', ...words], { encoding: 'utf8' })
      return told.trim().split(' ')
    }
    expect(completed('fi')).toEqual(['find'])
    expect(completed('--json', 'no')).toEqual(['nodes', 'node'])
    expect(completed('node', '')).toEqual(['show', 'label'])
    expect(completed('nodes', '')).toEqual([''])
    expect(completed('run', '--wh')).toEqual(['--where'])
    expect(completed('wait', '@')).toEqual(['@last'])
    expect(completed('help', 'node', 'l')).toEqual(['label'])
    expect(completed('run', '--', '-')).toEqual([''])
  })

  test('help explains a command below another, and knows which it has not', async () => {
    expect((await run(['help', 'node', 'label'])).stdout).toMatch(/^Usage: roost node label /)
    expect(await run(['help', 'node', 'labl'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: "roost: unknown command 'labl' (USAGE)\ndid you mean label?\n",
    })
    expect(await run(['help', 'fnd'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean find?'),
    })
  })

  test("a bad value of a flag leads to its command's help", async () => {
    expect((await run(['find', 'true', '-n', 'x'])).stderr).toContain('see `roost help find`')
    expect((await run(['node', 'label'])).stderr).toContain('see `roost help node label`')
  })

  test('a shell without completion', async () => {
    expect(await run(['completion', 'csh'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('bash, zsh, fish'),
    })
  })
})
