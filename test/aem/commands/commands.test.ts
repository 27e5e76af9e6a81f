import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { plugin } from '../../../aem/index.ts'
import { jobEvents, unitOutput } from '../../../aem/commands/daemon.ts'
import { after } from '../../../aem/commands/format.ts'
import { OutputWriter } from '../../../aem/commands/output-writer.ts'
import { descriptionFrom } from '../../../aem/commands/run.ts'
import { readDescription } from '../../../aem/protocol/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import { temporaryDirectory } from '../execution/fixture.ts'
import { terminalAt, type Terminal } from '../service/grid.ts'

/** A daemon that answers so, once for each request; and what it was asked. */
function scripted(...answers: (() => Response)[]): { asked: string[]; terminal: Terminal } {
  const asked: string[] = []
  const terminal = terminalAt({
    fetch: async (input) => {
      asked.push(String(input).replace('http://roost/aem', ''))
      const answer = answers.shift()
      if (!answer) throw new RoostError('DAEMON_UNREACHABLE', 'no more answers')
      return answer()
    },
  })
  return { asked, terminal }
}

/** A body with these texts that then ends, or breaks. */
function body(texts: readonly string[], { breaks = false } = {}): Response {
  const parts = texts.map((text) => new TextEncoder().encode(text))
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const part = parts.shift()
        if (part) controller.enqueue(part)
        else if (breaks) controller.error(new RoostError('CONNECTION_LOST', 'broken', { certain: false }))
        else controller.close()
      },
    }),
  )
}

async function parse(terminal: Terminal, ...args: string[]): Promise<void> {
  const program = new Command('roost').exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} })
  ;(await plugin.commands!.load()).register(program, terminal.context)
  await program.parseAsync(args, { from: 'user' })
}

describe('a command line', () => {
  test.each([
    ['run'],
    ['run', '--nodes'],
    ['run', '--no-such-option', '--', 'true'],
    ['submit'],
    ['show'],
    ['show', 'a', 'b'],
    ['wait'],
    ['cancel'],
    ['get'],
  ])('%j %j %j %j is refused by the parser', async (...args) => {
    await expect(parse(scripted().terminal, ...args.filter((arg) => arg !== undefined))).rejects.toMatchObject({
      code: expect.stringContaining('commander.'),
    })
  })

  test.each([
    [['run', '--nodes', 'many', '--', 'true'], 'USAGE'],
    [['run', '--env', 'NOVALUE', '--', 'true'], 'USAGE'],
    [['run', '--where', 'Cores >=', '--', 'true'], 'EXPRESSION_MALFORMED'],
    [['run', '--time', 'soon', '--', 'true'], 'JOB_MALFORMED'],
    [['run', '--in', '/no/such/file', '--', 'true'], 'FILE_UNREADABLE'],
    [['run', '--in', '/', '--', 'true'], 'JOB_MALFORMED'],
    [['submit', '/no/such/file'], 'FILE_UNREADABLE'],
    [['submit', '/'], 'FILE_UNREADABLE'],
    [['ps', '--state', 'asleep'], 'USAGE'],
    [['ps', '--state', 'queued,asleep'], 'USAGE'],
    [['ps', '--label', 'team'], 'USAGE'],
    [['ps', '--label', '=x'], 'USAGE'],
    [['ps', '--since', 'yesterday'], 'USAGE'],
    [['ps', '--since', '12'], 'USAGE'],
    [['ps', '--since', '2026-13-45'], 'USAGE'],
    [['why', './no/such/file'], 'FILE_UNREADABLE'],
    [['events', '--from', '0', 'job'], 'USAGE'],
    [['events', '--from', 'x', 'job'], 'USAGE'],
    [['logs', '--unit', 'x', 'job'], 'USAGE'],
    [['get', '--unit', '-1', 'job'], 'USAGE'],
    [['show', '@last'], 'JOB_NOT_FOUND'],
  ] as const)('%j fails with %s before anything is asked', async (args, code) => {
    const { asked, terminal } = scripted()
    await expect(parse(terminal, ...args)).rejects.toMatchObject({ code })
    expect(asked).toEqual([])
  })

  test('has a line of help for each word, and a command for it', async () => {
    const program = new Command('roost')
    ;(await plugin.commands!.load()).register(program, scripted().terminal.context)
    expect(
      program.commands.map((command) => [command.name(), command.description().split(':')[0]!.split(';')[0]]),
    ).toEqual(Object.entries(plugin.commands!.words).map(([word, line]) => [word, line.split(':')[0]!.split(';')[0]]))
  })

  test.each(['show', 'why', 'logs', 'events', 'wait', 'cancel', 'get'])('%s refuses an empty id', async (word) => {
    const { asked, terminal } = scripted()
    await expect(parse(terminal, word, '')).rejects.toMatchObject({ code: 'USAGE' })
    expect(asked).toEqual([])
  })

  test('a job file that is not text is refused', async () => {
    const file = join(temporaryDirectory(), 'job.yaml')
    writeFileSync(file, Uint8Array.of(0x72, 0x75, 0x6e, 0xff, 0xfe))
    await expect(parse(scripted().terminal, 'submit', file)).rejects.toMatchObject({ code: 'JOB_MALFORMED' })
  })
})

test('ps asks for what it is told, as a node takes it', async () => {
  const { asked, terminal } = scripted(() => Response.json({ jobs: [], unreached: [], isWhole: true }))
  await parse(
    terminal,
    'ps',
    '--state',
    'queued, held',
    '--label',
    'team=a,b',
    '--label',
    'take=7',
    '--since',
    '2026-11-22',
  )
  const query = new URLSearchParams(asked[0]!.split('?')[1])
  expect(Object.fromEntries(query)).toEqual({
    state: 'queued,held',
    label: 'team=a%2Cb,take=7',
    sinceMs: String(Date.parse('2026-11-22')),
  })
})

describe('how long after the first event', () => {
  test.each([
    [0, '+0.000s'],
    [-5, '+0.000s'],
    [59_999, '+59.999s'],
    [65_000, '+1m05s'],
    [3_599_999, '+59m59s'],
    [7_380_000, '+2h03m'],
    [277_200_000, '+3d05h'],
  ])('%i ms is %s', (lengthMs, text) => {
    expect(after(lengthMs)).toBe(text)
  })
})

describe('run makes a description', () => {
  const options = { in: [], out: [], env: [] }

  test('of a program with its arguments', () => {
    expect(readDescription(descriptionFrom(['wc', '-l', 'a b'], options, [])).run).toEqual(['wc', '-l', 'a b'])
  })

  test('of one argument alone as a shell text', () => {
    expect(readDescription(descriptionFrom(['date | wc'], options, [])).run).toBe('date | wc')
  })

  test('of every option', () => {
    const all = {
      ...options,
      where: 'Cores >= 2',
      rank: 'Memory',
      nodes: 3,
      cores: 2,
      memory: '1GiB',
      memoryLimit: '2GiB',
      time: '90s',
      processes: 64,
      isolate: true as const,
      network: true as const,
      name: 'everything',
      out: ['*.txt'],
      env: ['A=1=2', 'B='],
    }
    expect(readDescription(descriptionFrom(['true'], all, [{ name: 'data/in', file: 'data/in' }]))).toMatchObject({
      where: 'Cores >= 2',
      rank: 'Memory',
      nodes: 3,
      cores: 2,
      memoryBytes: 2 ** 30,
      limits: { timeMs: 90_000, memoryBytes: 2 ** 31, processesCount: 64 },
      isolate: { network: true },
      name: 'everything',
      env: { A: '1=2', B: '' },
      stage: { in: ['data/in'], out: ['*.txt'] },
    })
  })
})

describe('a stream that breaks', () => {
  const line = (number: number, type = 'placed'): string => `${JSON.stringify({ number, atMs: 0, type, attempt: 1 })}\n`
  const ended = (number: number): string =>
    `${JSON.stringify({ number, atMs: 0, type: 'ended', state: 'done', exitCode: 0, reason: '' })}\n`

  test('of events goes on from the next one, also when it broke in the middle of a line', async () => {
    const { asked, terminal } = scripted(
      () => body([line(1), line(2).slice(0, 10)], { breaks: true }),
      () => body([line(2)]),
      () => body([ended(3)]),
    )
    const numbers: number[] = []
    for await (const event of jobEvents(terminal.context, 'job', { from: 1, follow: true })) numbers.push(event.number)
    expect(numbers).toEqual([1, 2, 3])
    expect(asked).toEqual([1, 2, 3].map((from) => `/jobs/job/events?from=${from}&follow=true`))
  })

  test('of events is told once, and so is its going on', async () => {
    const gone = (): Response => {
      throw new RoostError('DAEMON_UNREACHABLE', 'gone')
    }
    const { terminal } = scripted(
      () => body([line(1)], { breaks: true }),
      gone,
      () => body([ended(2)]),
    )
    for await (const _event of jobEvents(terminal.context, 'job', { from: 1, follow: true }));
    expect(terminal.progress).toEqual(['the daemon does not answer; asking again for 30 s', 'the daemon answers again'])
  })

  test('of output goes on from the next byte', async () => {
    const { asked, terminal } = scripted(
      () => body(['0123'], { breaks: true }),
      () => body(['456']),
    )
    let text = ''
    for await (const chunk of unitOutput(terminal.context, { id: 'job', index: 0 }, { stream: 'stdout', follow: true }))
      text += new TextDecoder().decode(chunk)
    expect(text).toBe('0123456')
    expect(asked[1]).toContain('from=4')
  })

  test('is a failure for who does not follow', async () => {
    const { terminal } = scripted(() => body([line(1)], { breaks: true }))
    const reading = (async () => {
      for await (const _event of jobEvents(terminal.context, 'job', { from: 1, follow: false }));
    })()
    await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})

describe('output', () => {
  test('under a label comes in whole lines', () => {
    const { terminal } = scripted()
    const writer = new OutputWriter(terminal.context.output, { stream: 'stdout', unit: 3, label: true })
    for (const text of ['on', 'e\ntw', 'o\n\nthr', 'ee']) writer.write(new TextEncoder().encode(text))
    expect(terminal.stdout()).toBe('[3] one\n[3] two\n[3] \n')
    writer.end()
    expect(terminal.stdout()).toBe('[3] one\n[3] two\n[3] \n[3] three\n')
  })

  test('without one passes through as it is', () => {
    const { terminal } = scripted()
    const writer = new OutputWriter(terminal.context.output, { stream: 'stderr', unit: 3, label: false })
    writer.write(new TextEncoder().encode('no newline'))
    expect(terminal.stderr()).toBe('no newline')
  })

  test('as a stream of records says where each piece belongs', () => {
    const { terminal } = scripted()
    const writer = new OutputWriter(terminal.context.output, { stream: 'stdout', unit: 1, label: false, record: true })
    for (const text of ['abc', 'de']) writer.write(new TextEncoder().encode(text))
    expect(terminal.records).toEqual([
      { unit: 1, stream: 'stdout', offset: 0, base64: 'YWJj' },
      { unit: 1, stream: 'stdout', offset: 3, base64: 'ZGU=' },
    ])
  })

  test('in one endless line is cut, not kept', () => {
    const { terminal } = scripted()
    const writer = new OutputWriter(terminal.context.output, { stream: 'stdout', unit: 0, label: true })
    writer.write(new Uint8Array(200_000).fill(0x78))
    expect(terminal.stdout().split('\n').length).toBe(4)
  })
})

test('the client loads neither the database nor the launcher nor the routes', () => {
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { if (/(aem\\/(service|store|execution)|node_modules\\/(level|classic-level|hono|zod))\\//.test(url)) console.log(url); return next(url, context) } })
    const { plugin } = await import(${JSON.stringify(join(import.meta.dirname, '../../../aem/index.ts'))})
    await plugin.commands.load()
    for (const name of ['run', 'submit', 'list', 'show', 'why', 'logs', 'events', 'wait', 'cancel', 'get'])
      await import(${JSON.stringify(join(import.meta.dirname, '../../../aem/commands/'))} + name + '.ts')`
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect({ stdout, status, stderr }).toMatchObject({ stdout: '', status: 0 })
})
