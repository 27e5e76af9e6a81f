import { afterEach, expect, test, vi } from 'vitest'
import { runSimCommand } from '../../sim/index.ts'

afterEach(() => vi.restoreAllMocks())

/** Runs the command with its output caught. */
async function sim(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true))
  const status = await runSimCommand(args)
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

test('the overlay agrees after joining, after losing half, and after its return, and finds what there is', async () => {
  const { status, stdout } = await sim('run', 'overlay', '--nodes', '24', '--seed', '3', '--strict', '--json')
  expect(status).toBe(0)
  expect((JSON.parse(stdout) as { overlay: object }).overlay).toMatchObject({
    joinAgreement: 1,
    killedCount: 12,
    lossAgreement: 1,
    returnAgreement: 1,
    recall: 1,
    wrongCount: 0,
    refusedCount: 0,
  })
})

test('people get lines instead', async () => {
  const { stdout } = await sim('run', 'smoke', '--nodes', '20', '--seed', '7')
  expect(stdout).toMatch(/^ {2}traceHash +[0-9a-f]{16}$/m)
})

test.each([
  ['an unknown scenario', ['run', 'storm'], 'there is no scenario "storm"'],
  ['too few nodes', ['run', 'smoke', '--nodes', '1'], '"1" is not a whole number from 2'],
  ['too many nodes', ['run', 'overlay', '--nodes', '1000000'], 'to 1000'],
  ['half a node', ['run', 'smoke', '--nodes', '2.5'], '"2.5" is not a whole number'],
  ['a seed that is no number', ['run', 'smoke', '--seed', 'x'], '--seed: "x"'],
  ['an unknown flag', ['run', 'smoke', '--frob'], "unknown option '--frob'"],
  ['no scenario', ['run'], "missing required argument 'scenario'"],
  ['an unknown command', ['walk'], "unknown command 'walk'"],
])('%s is USAGE: exit 2, nothing on stdout', async (_, args, words) => {
  const { status, stdout, stderr } = await sim(...args)
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain(words)
  expect(stderr).toContain('(USAGE)')
})

test('list names every scenario', async () => {
  const { status, stdout } = await sim('list', '--json')
  expect(status).toBe(0)
  expect((JSON.parse(stdout) as { scenarios: { name: string }[] }).scenarios.map(({ name }) => name)).toEqual([
    'smoke',
    'overlay',
  ])
})
