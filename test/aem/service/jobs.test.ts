import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { cancel } from '../../../aem/commands/cancel.ts'
import { events } from '../../../aem/commands/events.ts'
import { get } from '../../../aem/commands/get.ts'
import { list } from '../../../aem/commands/list.ts'
import { logs } from '../../../aem/commands/logs.ts'
import { readingHeaders } from '../../../aem/commands/reading.ts'
import { run, type RunOptions } from '../../../aem/commands/run.ts'
import { show } from '../../../aem/commands/show.ts'
import { submit } from '../../../aem/commands/submit.ts'
import { wait } from '../../../aem/commands/wait.ts'
import { findCgroups } from '../../../aem/execution/cgroup/index.ts'
import { findIsolation } from '../../../aem/execution/isolation/index.ts'
import type { Job, JobList } from '../../../aem/service/index.ts'
import { temporaryDirectory } from '../execution/fixture.ts'
import { Grid, peerIdOf, statusOf, STRANGER, terminalAt, USER, type MemberNode, type Terminal } from './grid.ts'

const { isolator } = await findIsolation(tmpdir())
const { driver: cgroups } = await findCgroups()
if (!isolator || !cgroups?.powers.has('memory'))
  console.warn('isolation or a bound of memory cannot be had here: not tested')

const OPTIONS: RunOptions = { in: [], out: [], env: [] }

let grid: Grid
let nodes: MemberNode[]

beforeEach(async () => {
  grid = new Grid()
  nodes = [await grid.add(0), await grid.add(1), await grid.add(2)]
})

const only = <Item>(items: readonly Item[]): Item => {
  expect(items).toHaveLength(1)
  return items[0]!
}

/** Submits a job file with this text, and gives its id. */
async function submitText(terminal: Terminal, text: string, files: Record<string, string> = {}): Promise<string> {
  const directory = temporaryDirectory()
  for (const [name, content] of Object.entries({ 'job.yaml': text, ...files })) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  await submit(terminal.context, join(directory, 'job.yaml'))
  return (terminal.documents.at(-1) as { id: string }).id
}

describe('run', () => {
  test('gives the output and the exit status of the command', async () => {
    const terminal = terminalAt(nodes[0]!)
    const status = await statusOf(run(terminal.context, ['echo out; echo err >&2; exit 3'], OPTIONS))
    expect({ status, stdout: terminal.stdout(), stderr: terminal.stderr() }).toEqual({
      status: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(only(terminal.documents)).toMatchObject({ state: 'failed', exitCode: 3 })
  })

  test('starts one unit on each of several nodes, and labels their lines when told to', async () => {
    const terminal = terminalAt(nodes[0]!)
    const command = ['sh', '-c', 'echo "$ROOST_INDEX of $ROOST_COUNT on $ROOST_NODE"']
    const status = await statusOf(run(terminal.context, command, { ...OPTIONS, nodes: 3, label: true }))
    expect(status).toBe(0)
    const lines = terminal.stdout().trim().split('\n').toSorted()
    expect(lines.map((line) => line.slice(0, 13))).toEqual(['[0] 0 of 3 on', '[1] 1 of 3 on', '[2] 2 of 3 on'])
    expect(new Set(lines.map((line) => line.slice(14))).size).toBe(3)
  })

  test('brings input files along, to whichever node runs the unit, and keeps output files', async () => {
    const directory = temporaryDirectory()
    const input = join(directory, 'words.txt')
    writeFileSync(input, 'one two three\n')
    const terminal = terminalAt(nodes[0]!)
    const options = { ...OPTIONS, nodes: 3, in: [input], out: ['*.count'] }
    expect(await statusOf(run(terminal.context, ['wc -w <words.txt >"unit $ROOST_INDEX.count"'], options))).toBe(0)
    await get(terminal.context, '@last', [], { to: join(directory, 'fetched') })
    for (const index of [0, 1, 2])
      expect(readFileSync(join(directory, 'fetched', String(index), `unit ${index}.count`), 'utf8').trim()).toBe('3')
  })

  test.runIf(isolator)('isolates a command on a node that can', async () => {
    const terminal = terminalAt(nodes[0]!)
    const command = ['ls "$ROOST_SANDBOX/.."; ls -d /proc/[0-9]* | wc -l']
    expect(await statusOf(run(terminal.context, command, { ...OPTIONS, isolate: true }))).toBe(0)
    const [beside, processesCount] = terminal.stdout().trim().split('\n')
    expect(beside).toBe('work')
    expect(Number(processesCount)).toBeLessThan(10)
  })

  test.runIf(cgroups?.powers.has('memory'))('says that a command ran out of memory', async () => {
    const terminal = terminalAt(nodes[0]!)
    const command = ['perl', '-e', '$a = "x" x (200 * 1024 * 1024); sleep 1']
    expect(await statusOf(run(terminal.context, command, { ...OPTIONS, memoryLimit: '32MiB' }))).toBe(137)
    expect(only(terminal.documents)).toMatchObject({ state: 'failed', reason: expect.stringContaining('memory') })
  })

  test('says why a job waits, and the first ctrl-c cancels it', async () => {
    const terminal = terminalAt(nodes[0]!)
    const running = statusOf(run(terminal.context, ['true'], { ...OPTIONS, where: 'false' }))
    await expect.poll(() => terminal.progress.join('\n'), { timeout: 20_000 }).toContain('queued: ')
    terminal.interrupt()
    expect(await running).toBe(130)
    expect(only(terminal.documents)).toMatchObject({ state: 'cancelled' })
  })

  test('the first ctrl-c ends units that run', async () => {
    const terminal = terminalAt(nodes[0]!)
    const running = statusOf(run(terminal.context, ['echo started; sleep 60'], OPTIONS))
    await expect.poll(() => terminal.stdout(), { timeout: 20_000 }).toContain('started')
    terminal.interrupt()
    expect(await running).not.toBe(0)
    expect(only(terminal.documents)).toMatchObject({ state: 'cancelled' })
  })
})

describe('from a node that is not the controller', () => {
  let id: string

  beforeEach(async () => {
    const terminal = terminalAt(nodes[0]!)
    id = await submitText(terminal, 'name: far\nrun: echo hello from afar; exit 4\nstage: { in: [data.txt] }', {
      'data.txt': 'x',
    })
    expect(await statusOf(wait(terminal.context, ['@last']))).toBe(4)
  })

  test.each([0, 1, 2])('node %i shows it, by a prefix too', async (index) => {
    const terminal = terminalAt(nodes[index]!)
    await show(terminal.context, id.slice(0, 8).toUpperCase())
    expect(only(terminal.documents)).toMatchObject({
      id,
      owner: USER,
      controller: peerIdOf(0),
      state: 'failed',
      exitCode: 4,
    })
  })

  test.each([0, 1, 2])('node %i shows it whatever somebody put into the directory about it', async (index) => {
    for (const liar of [1, 2, 7]) {
      grid.plantRecord(id, peerIdOf(liar))
      const terminal = terminalAt(nodes[index]!)
      await show(terminal.context, id)
      expect(only(terminal.documents)).toMatchObject({ id, controller: peerIdOf(0), state: 'failed' })
    }
  })

  test.each([0, 1, 2])('node %i prints what it wrote', async (index) => {
    const terminal = terminalAt(nodes[index]!)
    await logs(terminal.context, id, {})
    expect(terminal.stdout()).toBe('hello from afar\n')
  })

  test.each([0, 1, 2])('node %i prints its events, from any number on', async (index) => {
    const terminal = terminalAt(nodes[index]!)
    await events(terminal.context, id, { from: 1 })
    const all = terminal.records as { number: number; type: string }[]
    expect(all.map((event) => event.number)).toEqual(all.map((_event, position) => position + 1))
    expect(all[0]).toMatchObject({ type: 'submitted', owner: USER })
    expect(all.at(-1)).toMatchObject({ type: 'ended', state: 'failed', exitCode: 4 })
    const later = terminalAt(nodes[index]!)
    await events(later.context, id, { from: 3 })
    expect(later.records).toEqual(all.slice(2))
  })

  test('it is listed, once, with all that is asked for', async () => {
    const lists = terminalAt(nodes[2]!)
    await list(lists.context, { all: true, user: 'me' })
    expect((only(lists.documents) as JobList).jobs).toMatchObject([{ id, name: 'far', state: 'failed', exitCode: 4 }])
    const waiting = terminalAt(nodes[2]!)
    await list(waiting.context, {})
    expect(only(waiting.documents)).toMatchObject({ jobs: [], unreached: [] })
    expect(only(waiting.lines)).toContain('no jobs')
    const others = terminalAt(nodes[2]!)
    await list(others.context, { all: true, user: STRANGER })
    expect((only(others.documents) as JobList).jobs).toEqual([])
  })

  test('a list says whom it could not ask', async () => {
    await grid.remove(nodes[0]!)
    const terminal = terminalAt(nodes[1]!)
    await list(terminal.context, { all: true, user: USER })
    expect(only(terminal.documents)).toMatchObject({ jobs: [], unreached: [{ node: peerIdOf(0) }] })
  })

  test('input files are only for nodes that run the job', async () => {
    const url = `http://node/jobs/${id}/inputs/data.txt`
    await expect(nodes[0]!.fetch(url)).rejects.toMatchObject({ code: 'DENIED' })
    const view = (await (await nodes[0]!.fetch(`http://node/jobs/${id}`)).json()) as Job
    const ran = view.units[0]!.node!
    const [other] = nodes.filter((node) => node.id !== ran)
    const asRunner = await nodes[0]!.surface(new Request(url), { via: 'peer', peer: ran })
    expect(await asRunner.text()).toBe('x')
    const asOther = await nodes[0]!.surface(new Request(url), { via: 'peer', peer: other!.id })
    expect(asOther.status).toBe(403)
  })
})

describe('following a job of another controller', () => {
  test.each([
    ['by pub/sub', true],
    ['by its log alone, when pub/sub loses everything', false],
  ])('gives every event once, in order, %s', async (_name, hasPubSub) => {
    grid.hasPubSub = hasPubSub
    const gate = join(temporaryDirectory(), 'gate')
    const id = await submitText(terminalAt(nodes[0]!), `run: while [ ! -e '${gate}' ]; do sleep 0.05; done`)
    const terminal = terminalAt(nodes[1]!)
    const following = events(terminal.context, id, { follow: true, from: 1 })
    await expect
      .poll(() => terminal.records, { timeout: 20_000 })
      .toContainEqual(expect.objectContaining({ type: 'unit-started' }))
    writeFileSync(gate, '')
    await following
    const numbers = terminal.records.map((event) => (event as { number: number }).number)
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1))
    expect(terminal.records.at(-1)).toMatchObject({ type: 'ended', state: 'done' })
  })
})

describe('cancel', () => {
  test('is for the owner alone', async () => {
    const id = await submitText(terminalAt(nodes[0]!), 'run: sleep 60')
    await expect(cancel(terminalAt(nodes[1]!, STRANGER).context, [id], {})).rejects.toMatchObject({ code: 'DENIED' })
    const owner = terminalAt(nodes[1]!)
    await cancel(owner.context, [id], { reason: 'wrong parameters' })
    expect(await statusOf(wait(owner.context, [id]))).not.toBe(0)
    await show(owner.context, id)
    expect(owner.documents.at(-1)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringContaining('wrong parameters'),
    })
  })
})

describe('submit', () => {
  test('refuses input files whose bytes are not those that were signed, and keeps none', async () => {
    const terminal = terminalAt({
      fetch: async (input, init) => {
        const form = init?.body instanceof FormData ? init.body : undefined
        for (const [name] of form ?? []) if (name !== 'statement') form!.set(name, new Blob(['tampered']))
        return nodes[0]!.fetch(input, init)
      },
    })
    await expect(submitText(terminal, 'run: "true"\nstage: { in: [a] }', { a: 'original' })).rejects.toMatchObject({
      code: 'JOB_MALFORMED',
    })
    const inputs = join(nodes[0]!.dataDir, 'inputs')
    expect(existsSync(inputs) ? readdirSync(inputs) : []).toEqual([])
  })

  test('a second time with the same statement is the same job, or refused, never two', async () => {
    const bodies: FormData[] = []
    const terminal = terminalAt({
      fetch: async (input, init) => {
        if (init?.body instanceof FormData) bodies.push(init.body)
        return nodes[0]!.fetch(input, init)
      },
    })
    const id = await submitText(terminal, 'run: "true"')
    await nodes[0]!.fetch('http://node/jobs', { method: 'POST', body: only(bodies) }).catch(() => {})
    const { jobs } = (await (await nodes[0]!.fetch('http://node/jobs?all=true')).json()) as JobList
    expect(jobs.map((job) => job.id)).toEqual([id])
  })

  test.each([
    ['nothing', undefined, 'MESSAGE_MALFORMED'],
    ['a form without a statement', new FormData(), 'SIGNATURE_REQUIRED'],
    ['JSON', '{}', 'MESSAGE_MALFORMED'],
  ])('%s is a typed error', async (_name, body, code) => {
    await expect(
      nodes[0]!.fetch('http://node/jobs', { method: 'POST', ...(body !== undefined && { body }) }),
    ).rejects.toMatchObject({ code })
  })

  test.each([
    ['no CBOR', Uint8Array.of(0xff, 0xff)],
    ['something else', Uint8Array.of(0x80)],
    ['a list deeper than a stack', new Uint8Array(100_000).fill(0x81)],
    ['more than a statement has', new Uint8Array(200_000)],
  ])('%s in place of the statement is a typed error', async (_name, bytes) => {
    const body = new FormData()
    body.set('statement', new Blob([bytes]))
    await expect(nodes[0]!.fetch('http://node/jobs', { method: 'POST', body })).rejects.toMatchObject({
      code: expect.stringMatching(/^MESSAGE_/),
    })
  })
})

describe('a route', () => {
  test.each([
    ['/jobs/zzz', 'JOB_NOT_FOUND'],
    ['/jobs/not-an-id', 'JOB_NOT_FOUND'],
    ['/jobs/0000/units/1001/output', 'USAGE'],
    ['/jobs?state=asleep', 'USAGE'],
    ['/jobs/0000/events?from=0', 'USAGE'],
    ['/units/nonsense/output', 'UNIT_NOT_FOUND'],
    ['/units/0123456789abcdefghjkmnpqrs.1.0/output', 'UNIT_NOT_FOUND'],
    ['/units/..%2f..%2fetc/files/passwd', 'UNIT_NOT_FOUND'],
  ])('%s fails with %s', async (path, code) => {
    await expect(nodes[0]!.fetch(`http://node${path}`)).rejects.toMatchObject({ code })
  })

  test('output files outside what the job names are not given out', async () => {
    const terminal = terminalAt(nodes[0]!)
    const id = await submitText(
      terminal,
      'run: echo secret >secret.txt; echo good >good.out; ln -s /etc/passwd link.out\nstage: { out: ["*.out"] }',
    )
    await wait(terminal.context, [id]).catch(() => {})
    const path = `http://node/jobs/${id}/units/0/files`
    const headers = await readingHeaders(terminal.context, id)
    expect(await (await nodes[1]!.fetch(path, { headers })).json()).toEqual({
      files: [{ name: 'good.out', bytes: 5 }],
      isWhole: true,
    })
    expect(await (await nodes[1]!.fetch(`${path}/good.out`, { headers })).text()).toBe('good\n')
    for (const name of ['secret.txt', 'link.out', '..%2f..%2forder', '%2fetc%2fpasswd'])
      await expect(nodes[1]!.fetch(`${path}/${name}`, { headers })).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
  })

  test('gives output from any offset', async () => {
    const terminal = terminalAt(nodes[0]!)
    const id = await submitText(terminal, 'run: printf 0123456789')
    await wait(terminal.context, [id]).catch(() => {})
    const path = `http://node/jobs/${id}/units/0/output`
    const headers = await readingHeaders(terminal.context, id)
    expect(await (await nodes[2]!.fetch(`${path}?from=7`, { headers })).text()).toBe('789')
    expect(await (await nodes[2]!.fetch(`${path}?from=99&follow=true`, { headers })).text()).toBe('')
  })

  test('is described by OpenAPI that comes from the code', () => {
    const { paths, schemas } = nodes[0]!.describe()
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/jobs', '/jobs/{id}/cancel', '/jobs/{id}/units/{index}/output']),
    )
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Job', 'JobList', 'Unit']))
  })
})

test('jobs, their output and their exit codes survive a restart of the node', async () => {
  const gate = join(temporaryDirectory(), 'gate')
  const alone = new Grid()
  const first = await alone.add(0)
  const id = await submitText(
    terminalAt(first),
    `run: echo before; while [ ! -e '${gate}' ]; do sleep 0.05; done; echo after; exit 6`,
  )
  await expect
    .poll(async () => ((await (await first.fetch(`http://node/jobs/${id}`)).json()) as Job).state, { timeout: 20_000 })
    .toBe('running')
  await alone.remove(first)
  const second = await alone.add(0, first.dataDir)
  writeFileSync(gate, '')
  const terminal = terminalAt(second)
  expect(await statusOf(wait(terminal.context, [id]))).toBe(6)
  await logs(terminal.context, id, {})
  expect(terminal.stdout()).toBe('before\nafter\n')
})
