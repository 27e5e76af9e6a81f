import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import * as codec from '../../node/codec/index.ts'
import { runSimCommand } from '../../sim/index.ts'
import { SCENARIOS } from '../../sim/scenario/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'roost-sim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

/** A file with this text. */
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Runs the command with its output caught. */
async function sim(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true))
  const status = await runSimCommand(args, { loadCodec: () => Promise.resolve(codec) })
  vi.restoreAllMocks()
  return { status, stdout, stderr }
}

test('a run prints one document with what it took and what came of it', async () => {
  const { status, stdout, stderr } = await sim('run', 'smoke', '--nodes', '50', '--seed', '7', '--json')
  expect(status).toBe(0)
  const document = JSON.parse(stdout) as Record<string, unknown>
  expect(document).toMatchObject({ scenario: 'smoke', seed: 7, nodes: 50, smoke: { crashedCount: 5 } })
  for (const name of ['wallMs', 'cpuMs', 'peakRssBytes', 'events', 'virtualMs'])
    expect(document[name]).toBeTypeOf('number')
  expect(document['traceHash']).toMatch(/^[0-9a-f]{16}$/)
  expect(stderr).toContain('replay: roost sim run smoke --nodes 50 --seed 7\n')
})

test('a seed gives the same trace each time, and without one a fresh seed is drawn and told', async () => {
  const runs = [
    await sim('run', 'smoke', '--nodes', '50', '--json'),
    await sim('run', 'smoke', '--nodes', '50', '--json'),
  ]
  const [first, second] = runs.map(
    ({ stdout }) => JSON.parse(stdout) as { seed: number; traceHash: string; replay: string },
  )
  expect(first!.seed).not.toBe(second!.seed)
  expect(runs[0]!.stderr).toContain(first!.replay)
  const replayed = await sim(...first!.replay.split(' ').slice(2), '--json')
  expect((JSON.parse(replayed.stdout) as { traceHash: string }).traceHash).toBe(first!.traceHash)
})

test('what was set stands in the line that replays it, and in the document with the defaults beside it', async () => {
  const args = ['run', 'sampling', '--nodes', '20', '--seed', '3', '--cycles', '2', '--loss', '0.1', '--codec']
  const { stdout } = await sim(...args, '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    cycles: 2,
    settings: { cycles: '2', loss: '0.1', latency: 'uniform:20-100' },
    replay: 'roost sim run sampling --nodes 20 --seed 3 --cycles 2 --loss 0.1 --codec',
  })
})

test('people get lines instead', async () => {
  const { stdout } = await sim('run', 'smoke', '--nodes', '20', '--seed', '7')
  expect(stdout).toMatch(/^ {2}traceHash +[0-9a-f]{16}$/m)
  expect(stdout).toMatch(/^smoke\n {2}crashedCount +2$/m)
})

test('a page is written when it is asked for', async () => {
  const page = join(folder, 'run.html')
  const { status } = await sim('run', 'sampling', '--nodes', '30', '--cycles', '3', '--seed', '1', '--report', page)
  expect(status).toBe(0)
  expect(readFileSync(page, 'utf8')).toContain('<!doctype html>')
})

const SELECTION = ['run', 'selection', '--nodes', '10']

describe('what cannot be meant is USAGE: exit 2, nothing on stdout', () => {
  const trace = file('trace.csv', 'node,start_s,end_s\na,0,10\nb,later,20\n')
  const machines = file('machines.csv', 'cores,site\n8,x\n8\n')
  const queries = file('queries.jsonl', '{"where": "true"}\n{"where": "Cores >="}\n')
  const late = file('late.csv', 'node,start_s,end_s\na,5,10\n')

  test.each([
    ['an unknown scenario', ['run', 'storm'], 'there is no scenario "storm"'],
    ['a scenario that was nearly named', ['run', 'masacre'], 'did you mean massacre?'],
    ['too few nodes', ['run', 'smoke', '--nodes', '1'], '"1" is not a whole number from 2'],
    ['too many nodes', ['run', 'overlay', '--nodes', '1000000'], 'to 500'],
    ['half a node', ['run', 'smoke', '--nodes', '2.5'], '"2.5" is not a whole number'],
    ['a seed that is no number', ['run', 'smoke', '--seed', 'x'], '--seed: "x"'],
    ['no cycles', ['run', 'sampling', '--cycles', '0'], '--cycles: "0"'],
    ['more than all', ['run', 'massacre', '--kill', '1.5@2'], '--kill: "1.5" is not a share'],
    ['a death without a time', ['run', 'massacre', '--kill', '0.5'], 'is not SHARE@CYCLE'],
    [
      'a death after the end',
      ['run', 'massacre', '--cycles', '5', '--kill', '0.5@9'],
      'cycle 9 of 0.5@9 lies after the last, which is 5',
    ],
    ['a loss of all', ['run', 'sampling', '--loss', '1'], '--loss: "1" is not a share'],
    ['a latency of nothing', ['run', 'smoke', '--latency', 'slow'], '--latency: "slow"'],
    ['churn by nobody', ['run', 'churn', '--churn', 'sky'], '--churn: "sky" is no share'],
    ['a trace that is malformed', ['run', 'churn', '--churn', trace], `${trace}, line 3: "later"`],
    [
      'a trace that begins with nobody',
      ['run', 'churn', '--nodes', '5', '--churn', late],
      'nobody is up at the beginning',
    ],
    ['machines that are malformed', [...SELECTION, '--population', machines], `${machines}, line 3: 1 cells`],
    [
      'machines that are not there',
      [...SELECTION, '--population', 'none.csv'],
      '--population: there is no file none.csv',
    ],
    ['a population that has no size', [...SELECTION, '--population', 'uniform:'], '"uniform:" has no number'],
    ['queries that are malformed', [...SELECTION, '--queries', queries], `${queries}, line 2`],
    ['no queries', [...SELECTION, '--queries', '0'], '--queries: "0"'],
    ['more attributes than there are', [...SELECTION, '--constrain', '17'], 'from 0 to 16'],
    ['boxes of nobody', [...SELECTION, '--share', '0'], '--share: "0" is not a share above 0'],
    ['boxes where queries are given', [...SELECTION, '--queries', queries, '--share', '0.1'], '--share shapes queries'],
    ['a want of nobody', [...SELECTION, '--want', '0'], '--want: '],
    [
      'a setting of another scenario',
      ['run', 'smoke', '--kill', '0.5@1'],
      '--kill: the scenario smoke has no use for it',
    ],
    ['two ways for messages', ['run', 'smoke', '--codec', '--strict'], 'give one of them'],
    ['a page where none can be', ['run', 'smoke', '--report', '/nowhere/run.html'], '--report: cannot write'],
    ['a page that is a folder', ['run', 'smoke', '--report', folder], '--report: cannot write'],
    ['an unknown flag', ['run', 'smoke', '--frob'], "unknown option '--frob'"],
    ['no scenario', ['run'], "missing required argument 'scenario'"],
    ['an unknown command', ['walk'], "unknown command 'walk'"],
  ])('%s', async (_, args, words) => {
    const { status, stdout, stderr } = await sim(...args)
    expect(stderr).toContain(words)
    expect(stderr).toContain('(USAGE)')
    expect(status).toBe(2)
    expect(stdout).toBe('')
  })

  test('as a record with file and line, where --json asks for one', async () => {
    const { status, stderr } = await sim(...SELECTION, '--population', machines, '--json')
    expect(status).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'USAGE', file: machines, line: 3 })
  })
})

test('list names every scenario with what it can be told', async () => {
  const { status, stdout } = await sim('list', '--json')
  expect(status).toBe(0)
  const { scenarios } = JSON.parse(stdout) as { scenarios: { name: string; settings: object }[] }
  expect(scenarios.map(({ name }) => name)).toEqual([...SCENARIOS.keys()])
  expect(scenarios.find(({ name }) => name === 'massacre')!.settings).toMatchObject({ kill: '0.5@10', loss: '' })
})

test('ctrl-c ends a run with 130 and nothing on stdout', async () => {
  const launcher = join(import.meta.dirname, '../../roost')
  expect(existsSync(launcher)).toBe(true)
  const child = spawn(launcher, ['sim', 'run', 'sampling', '--nodes', '2000', '--cycles', '100000', '--seed', '1'])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => (stdout += String(text)))
  const status = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)))
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (text) => {
      stderr += String(text)
      if (stderr.includes('replay:')) resolve()
    })
  })
  child.kill('SIGINT')
  expect(await status).toBe(130)
  expect(stderr).toContain('interrupted')
  expect(stdout).toBe('')
})
