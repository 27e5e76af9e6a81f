import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { cancel } from '../../../aem/commands/cancel.ts'
import { events } from '../../../aem/commands/events.ts'
import { get } from '../../../aem/commands/get.ts'
import { list } from '../../../aem/commands/list.ts'
import { logs } from '../../../aem/commands/logs.ts'
import { show } from '../../../aem/commands/show.ts'
import { submit } from '../../../aem/commands/submit.ts'
import { wait } from '../../../aem/commands/wait.ts'
import { why } from '../../../aem/commands/why.ts'
import type { JobList } from '../../../aem/service/index.ts'
import type { CommandContext } from '../../../overlay/contract/index.ts'
import { temporaryDirectory } from '../execution/fixture.ts'
import { Grid, statusOf, terminalAt, type MemberNode, type Terminal } from './grid.ts'

let nodes: MemberNode[]

beforeEach(async () => {
  const grid = new Grid()
  nodes = [await grid.add(0), await grid.add(1)]
})

async function submitted(terminal: Terminal, text: string): Promise<string> {
  const file = join(temporaryDirectory(), 'job.yaml')
  writeFileSync(file, text)
  await submit(terminal.context, file)
  return (terminal.documents.at(-1) as { id: string }).id
}

test('show tells every attempt and every event, by the time since the submission', async () => {
  const terminal = terminalAt(nodes[0]!)
  const id = await submitted(terminal, 'run: exit 3\nlabels: { team: film }')
  await statusOf(wait(terminal.context, [id]))
  const far = terminalAt(nodes[1]!)
  await show(far.context, id)
  const shown = far.documents[0] as Record<string, any>
  expect(shown).toMatchObject({
    id,
    state: 'failed',
    names: { lb: 'Done', doneCode: 'FAILED', bes: 'Failed', drmaa2: 'FAILED' },
    attempts: [{ attempt: 1, outcome: 'placed', units: [{ unit: 0, end: 'exited with 3' }] }],
  })
  const types = shown['events'].map(({ type }: { type: string }) => type)
  expect(types.at(0)).toBe('submitted')
  expect(types.at(-1)).toBe('ended')
  expect(far.lines).toContain('labels      team=film')
  const timeline = far.rows.filter((row) => 'event' in row)
  expect(timeline.map(({ event }) => event)).toEqual(types)
  for (const { time } of timeline) expect(time).toMatch(/^\+\d+\.\d{3}s$/)
  expect(timeline.at(-1)!['what']).toBe('failed, exit status 3: unit 0: exited with 3')
  expect(far.rows.filter((row) => 'attempt' in row)).toMatchObject([{ attempt: 1, what: 'exited with 3' }])
})

test('show --watch adds what happens, and ends with the job', async () => {
  const terminal = terminalAt(nodes[0]!)
  await submitted(terminal, 'run: sleep 0.5')
  await show(terminal.context, '@last', { watch: true })
  const told = terminal.lines.filter((line) => /^\s*\+/.test(line))
  expect(told[0]).toMatch(/\+0\.000s {2}submitted/)
  expect(told.at(-1)).toMatch(/ended +done, exit status 0/)
})

test('show --watch as JSON gives the job whenever it has changed, and ends with it', async () => {
  const terminal = terminalAt(nodes[0]!)
  await submitted(terminal, 'run: sleep 0.5')
  const context: CommandContext = { ...terminal.context, output: { ...terminal.context.output, json: true } }
  await show(context, '@last', { watch: true })
  const numbers = (terminal.records as { lastNumber: number }[]).map(({ lastNumber }) => lastNumber)
  expect(numbers).toEqual([...new Set(numbers)])
  expect(terminal.records.at(-1)).toMatchObject({ state: 'done' })
})

describe('ps', () => {
  const idsOf = (terminal: Terminal): string[] => (terminal.documents.at(-1) as JobList).jobs.map(({ id }) => id)

  test('lists by label, by states and by time, from whichever node', async () => {
    const terminal = terminalAt(nodes[0]!)
    const film = await submitted(terminal, 'run: "true"\nlabels: { team: "film, noir" }')
    const radio = await submitted(terminal, 'run: "true"\nlabels: { team: radio }\nwhere: "false"')
    await statusOf(wait(terminal.context, [film]))
    const far = terminalAt(nodes[1]!)
    await list(far.context, { all: true, label: ['team=film, noir'] })
    expect(idsOf(far)).toEqual([film])
    await list(far.context, { state: 'done,failed' })
    expect(idsOf(far)).toEqual([film])
    await list(far.context, { state: 'submitted,queued' })
    expect(idsOf(far)).toEqual([radio])
    await list(far.context, { all: true, since: '1h' })
    expect(idsOf(far).toSorted()).toEqual([film, radio].toSorted())
    await list(far.context, { all: true, since: '2100-01-01' })
    expect(idsOf(far)).toEqual([])
  })

  test('--watch tells of what has changed until ctrl-c', async () => {
    const terminal = terminalAt(nodes[0]!)
    const id = await submitted(terminal, 'run: "true"\nwhere: "false"')
    const { context } = terminal
    const asked = {
      ...context,
      fetch: ((input, init) => (
        context.signal.throwIfAborted(),
        context.fetch(input, init)
      )) as CommandContext['fetch'],
    }
    const watching = list(asked, { watch: true })
    await expect.poll(() => terminal.rows.length, { timeout: 20_000 }).toBeGreaterThan(0)
    await cancel(context, [id], {})
    await expect.poll(() => terminal.lines.join(), { timeout: 20_000 }).toContain('is no longer one of these')
    terminal.interrupt()
    await expect(watching).rejects.toThrow()
  })
})

describe('a job is named by @last and by any beginning of its id', () => {
  const commands: [string, (context: CommandContext, name: string) => Promise<unknown>][] = [
    ['show', (context, name) => show(context, name)],
    ['why', (context, name) => why(context, name, {})],
    ['logs', (context, name) => logs(context, name, {})],
    ['events', (context, name) => events(context, name, { from: 1 })],
    ['wait', (context, name) => wait(context, [name])],
    ['get', (context, name) => get(context, name, [], { to: temporaryDirectory() })],
    ['cancel', (context, name) => cancel(context, [name], {})],
  ]
  let terminal: Terminal
  let id: string

  beforeEach(async () => {
    terminal = terminalAt(nodes[0]!)
    id = await submitted(terminal, 'run: "true"')
    await statusOf(wait(terminal.context, [id]))
  })

  test.each(commands)('by %s', async (_word, command) => {
    for (const name of ['@last', id.slice(0, 8), id.slice(0, 8).toUpperCase(), id])
      expect(await statusOf(command(terminal.context, name) as Promise<void>)).toBe(0)
  })
})
