import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findStream, socketFetch, type FindNews } from '../../../node/client/index.ts'
import { SOCKET_NAME } from '../../../node/data/index.ts'
import { startGrid, stopGrid, type DevDaemon, type DevGrid, type DevTools } from '../../../node/dev/index.ts'
import type { Fetch } from '../../../overlay/contract/index.ts'
import { until } from '../../support/machine.ts'

/** Searches as users meet them, over twenty daemons on loopback. Who is to be silent is stopped with SIGSTOP for a while. */

const DAEMON_COUNT = 20
const ENTRY = fileURLToPath(new URL('../../../roost.ts', import.meta.url))

/** Whoever hangs is buried after three seconds or more; on a busy machine a command may take that long until it asks. */
const AGAIN = { retry: 2 }

/** Twenty daemons take half a minute of two cores to start, and more where these do something else. */
const START_MS_MAX = 400_000

let home: string
let grid: DevGrid
let tools: DevTools
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'roost-find-test-'))
  const signal = new AbortController().signal
  tools = { entry: ENTRY, env: { PATH: process.env['PATH'], HOME: home }, signal, progress: () => {} }
  grid = await startGrid(join(home, 'dev'), DAEMON_COUNT, tools)
  await settled()
}, START_MS_MAX)
afterEach(() => wakeAll())
afterAll(async () => {
  await stopGrid(join(home, 'dev'), tools).catch(() => {})
  rmSync(home, { recursive: true, force: true })
})

const daemon = (number: number): DevDaemon => grid.daemons[number - 1]!

function fetchOf({ dataDir }: DevDaemon): Fetch {
  const signal = new AbortController().signal
  return socketFetch(join(dataDir, SOCKET_NAME), { signal, unreachableHint: '' })
}

async function ask(asked: DevDaemon, path: string): Promise<any> {
  return (await fetchOf(asked)(path)).json()
}

/** Every daemon takes every other for alive. */
async function settled(): Promise<void> {
  for (const asked of grid.daemons)
    await until(
      `${asked.name} knows all`,
      async () => (await ask(asked, '/status')).nodes.alive === DAEMON_COUNT,
      60_000,
    )
}

/** Stops these daemons in the middle of what they do, as a machine would that hangs. */
function hang(numbers: readonly number[]): void {
  for (const number of numbers) process.kill(daemon(number).process.pid, 'SIGSTOP')
}

async function wakeAll(): Promise<void> {
  for (const { process: running } of grid?.daemons ?? []) process.kill(running.pid, 'SIGCONT')
  await settled()
}

const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i)
const namesOf = (numbers: readonly number[]): string[] => numbers.map((number) => daemon(number).name).sort()
const nodeNames = (news: readonly FindNews[]): string[] =>
  news.flatMap((line) => (line.type === 'node' ? [line.name] : [])).sort()

/** A search over the socket, with when each thing came, in milliseconds from the beginning. */
async function searched(
  query: Parameters<typeof findStream>[1],
): Promise<{ news: FindNews[]; atMs: number[]; end: Extract<FindNews, { type: 'end' }> }> {
  const startedMs = performance.now()
  const news: FindNews[] = []
  const atMs: number[] = []
  for await (const line of findStream(fetchOf(daemon(1)), query)) {
    news.push(line)
    atMs.push(performance.now() - startedMs)
  }
  return { news, atMs, end: news.at(-1) as Extract<FindNews, { type: 'end' }> }
}

/** The command line at daemon 1, while it runs. */
class Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  stdout = ''
  stderr = ''
  /** When the first of stdout came, and the end, in milliseconds. */
  firstMs: number | undefined
  endMs = 0

  constructor(...args: string[]) {
    const env = { PATH: process.env['PATH'], HOME: home, ROOST_DATA: daemon(1).dataDir }
    this.child = spawn(process.execPath, [ENTRY, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.firstMs ??= performance.now()
      this.stdout += text
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ended = new Promise((resolve) =>
      this.child.once('close', (status) => {
        this.endMs = performance.now()
        resolve(status)
      }),
    )
  }

  /** Rows of the table by name. */
  get names(): string[] {
    return [...this.stdout.matchAll(/^\S+ +(dev-\d+) /gm)].map(([, name]) => name!).sort()
  }
}

async function openCallCount(): Promise<number> {
  const text = await (await fetchOf(daemon(1))('/metrics')).text()
  return Number(/^roost_net_grid_open_calls_count (\d+)$/m.exec(text)![1])
}

describe('a search over the socket', () => {
  test('gives each node as it answers, and at last how it went', async () => {
    hang(from(13, 20))
    const { news, atMs, end } = await searched({ where: 'Cores >= 1', count: 20, timeoutMs: 1_500 })
    expect(nodeNames(news)).toEqual(namesOf(from(1, 12)))
    expect(atMs.at(-1)! - atMs[0]!).toBeGreaterThan(400)
    expect(end.rejected).toEqual({ static: 0, dynamic: 0, silent: 8 })
    expect(end.explanation).toMatchObject({ reason: 'deadline', complete: false, confirmedCount: 12, silentCount: 8 })
  })

  test('keeps its deadline, though whoever is silent would be waited for longer', async () => {
    hang(from(2, 20))
    const { end, atMs } = await searched({ where: 'true', count: 20, timeoutMs: 700 })
    expect(end.explanation).toMatchObject({ reason: 'deadline', confirmedCount: 1 })
    // The daemon's own time; the bound is for a machine that does much else.
    expect(end.explanation.elapsedMs).toBeGreaterThanOrEqual(700)
    expect(end.explanation.elapsedMs).toBeLessThan(1_200)
    expect(atMs.at(-1)!).toBeGreaterThanOrEqual(700)
  })

  test('replaces the silent by others where there are enough', async () => {
    hang(from(11, 20))
    const { news, end } = await searched({ where: 'true', count: 10, timeoutMs: 20_000 })
    expect(nodeNames(news)).toEqual(namesOf(from(1, 10)))
    expect(end.explanation.reason).toBe('enough')
  })

  test.each([
    ['lines', 'application/x-ndjson'],
    ['one document', 'application/json'],
  ])('for %s is given up at the daemon when its client goes away: nobody is asked any more', async (_, accept) => {
    hang(from(4, 20))
    const gone = new AbortController()
    const search = fetchOf(daemon(1))('/find', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ where: 'true', count: 4, timeoutMs: 60_000 }),
      signal: gone.signal,
    }).then((response) => response.text())
    await until('somebody is asked', async () => (await openCallCount()) > 0)
    gone.abort()
    await expect(search).rejects.toMatchObject({ code: 'CANCELLED' })
    await until('no question is open', async () => (await openCallCount()) === 0, 1_500)
    for (let look = 0; look < 10; look++) {
      await sleep(50)
      expect(await openCallCount()).toBe(0)
    }
  })

  test('is given up too when its reader stops reading', async () => {
    hang(from(4, 20))
    for await (const line of findStream(fetchOf(daemon(1)), { where: 'true', count: 20, timeoutMs: 60_000 }))
      if (line.type === 'node') break
    await until('no question is open', async () => (await openCallCount()) === 0, 1_500)
  })

  test('ranked, gives the best first when all have been asked', async () => {
    const { news, end } = await searched({ where: 'true', rank: 'size(Name)', count: 5, timeoutMs: 20_000 })
    const ranks = news.flatMap((line) => (line.type === 'node' ? [line.rank] : []))
    expect(ranks.length).toBe(5)
    expect(ranks).toEqual(ranks.toSorted((one, other) => other - one))
    expect(end.explanation).toMatchObject({ askedCount: DAEMON_COUNT, confirmedCount: DAEMON_COUNT })
  })

  test('is refused before the first line where the query is wrong', async () => {
    await expect(searched({ where: 'Cores >=' })).rejects.toMatchObject({ code: 'EXPRESSION_MALFORMED' })
    await expect(searched({ where: 'true', count: 0 })).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('a label', () => {
  test('set a moment ago on another node is found, and no longer once it is removed', async () => {
    const put = async (set: object, remove: readonly string[]): Promise<void> => {
      const headers = { 'content-type': 'application/json' }
      await fetchOf(daemon(17))('/labels', { method: 'PUT', headers, body: JSON.stringify({ set, remove }) })
    }
    const painted = async (): Promise<string[]> => nodeNames((await searched({ where: 'colour == "teal"' })).news)
    expect(await painted()).toEqual([])
    await put({ colour: 'teal' }, [])
    await until('the label is found', async () => (await painted()).join() === 'dev-17', 5_000)
    await put({}, ['colour'])
    await until('it is found no longer', async () => (await painted()).length === 0, 5_000)
  })
})

describe('the command', () => {
  test('shows the first nodes while others are still being asked', AGAIN, async () => {
    hang(from(13, 20))
    const find = new Running('find', 'Cores >= 1', '-n', '20', '--timeout', '2500ms')
    expect(await find.ended).toBe(0)
    expect(find.names).toEqual(namesOf(from(1, 12)))
    expect(find.endMs - find.firstMs!).toBeGreaterThan(500)
    expect(find.stderr).toContain('12 found')
    expect(find.stderr).toContain('8 did not answer')
  })

  test('with --json --stream gives a line for each node, then the rest; with --json alone one document', async () => {
    const lines = new Running('find', 'true', '-n', '30', '--json', '--stream')
    const whole = new Running('find', 'true', '-n', '30', '--json')
    expect([await lines.ended, await whole.ended]).toEqual([0, 0])
    const news = lines.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as FindNews)
    expect(nodeNames(news)).toEqual(namesOf(from(1, 20)))
    expect(news.at(-1)).toMatchObject({ type: 'end', explanation: { complete: true, reason: 'nobody-left' } })
    const document = JSON.parse(whole.stdout)
    expect(document).toMatchObject({ rejected: { silent: 0 }, explanation: { confirmedCount: DAEMON_COUNT } })
    expect(document.nodes.length).toBe(DAEMON_COUNT)
  })

  test('says with --explain what it searched, whom it asked and why it ended', async () => {
    const find = new Running('find', 'Cores >= 1 && Os == "LINUX"', '-n', '30', '--explain')
    expect(await find.ended).toBe(0)
    const said = Object.fromEntries(find.stdout.split('\n').map((line) => [line.slice(0, 10).trim(), line.slice(10)]))
    expect(said['plan']).toBe('Cores >= 1, Os = "linux"')
    expect(said['grouping']).toContain('by their ids')
    expect(said['cells']).toMatch(/^1\b/)
    expect(said['contacts']).toMatch(/^0\b/)
    expect(said['looked at']).toContain('20 nodes')
    expect(said['asked']).toContain('20 confirmed')
    expect(said['ended']).toContain('every node that may match was asked')
  })

  test('ends at once with ctrl-c, keeps what it has shown, and so does the search', AGAIN, async () => {
    hang(from(13, 20))
    const find = new Running('find', 'true', '-n', '20', '--timeout', '60s')
    await until('nodes are shown', () => find.names.length === 12)
    find.child.kill('SIGINT')
    expect(await find.ended).toBe(130)
    expect(find.names).toEqual(namesOf(from(1, 12)))
    await until('no question is open', async () => (await openCallCount()) === 0, 1_500)
  })
})
