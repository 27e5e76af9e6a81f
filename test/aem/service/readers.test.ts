import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { events } from '../../../aem/commands/events.ts'
import { get } from '../../../aem/commands/get.ts'
import { list } from '../../../aem/commands/list.ts'
import { logs } from '../../../aem/commands/logs.ts'
import { readingHeaders } from '../../../aem/commands/reading.ts'
import { show } from '../../../aem/commands/show.ts'
import { encodeStatement } from '../../../aem/commands/statement.ts'
import { submit } from '../../../aem/commands/submit.ts'
import { wait } from '../../../aem/commands/wait.ts'
import { why } from '../../../aem/commands/why.ts'
import type { Job } from '../../../aem/service/index.ts'
import { RoostError, STATEMENT_AGE_MS_MAX } from '../../../overlay/index.ts'
import { temporaryDirectory } from '../execution/fixture.ts'
import { Grid, statusOf, STRANGER, terminalAt, type MemberNode, type Terminal } from './grid.ts'

/** What stands in every part of the job that is its owner's alone. */
const SECRET = 'sesame'

let nodes: MemberNode[]
let owner: Terminal
let id: string

beforeEach(async () => {
  const grid = new Grid()
  nodes = [await grid.add(0), await grid.add(1)]
  owner = terminalAt(nodes[0]!)
  const directory = temporaryDirectory()
  writeFileSync(join(directory, `${SECRET}.in`), SECRET)
  writeFileSync(
    join(directory, 'job.yaml'),
    `name: open
run: echo ${SECRET}; echo ${SECRET} >&2; cp ${SECRET}.in ${SECRET}.out; exit 3
where: '"${SECRET}" != ""'
nodes: 2
env: { WORD: ${SECRET} }
labels: { team: film }
stage: { in: [${SECRET}.in], out: ["*.out"] }`,
  )
  await submit(owner.context, join(directory, 'job.yaml'))
  id = (owner.documents[0] as { id: string }).id
  await statusOf(wait(owner.context, [id]))
})

/** The texts of all answers that there are about the job, failures included. */
async function everythingAt(
  node: MemberNode,
  via: 'socket' | 'peer',
  headers: Record<string, string>,
): Promise<string[]> {
  const { units } = (await (await node.fetch(`http://node/jobs/${id}`)).json()) as Job
  const paths = [
    '/jobs?all=true',
    '/room',
    ...['', '/events', '/why', `/inputs/${SECRET}.in`].map((rest) => `/jobs/${id}${rest}`),
    ...units.flatMap(({ index, unitId }) =>
      [`/jobs/${id}/units/${index}`, `/units/${unitId}`].flatMap((unit) =>
        ['/output', '/output?stream=stderr', '/files', `/files/${SECRET}.out`].map((rest) => `${unit}${rest}`),
      ),
    ),
  ]
  const texts: string[] = []
  for (const path of paths) {
    const caller = via === 'peer' ? ({ via, peer: '12D3KooWOther' } as const) : ({ via } as const)
    const response = await node.surface(new Request(`http://node${path}`, { headers }), caller)
    texts.push(await response.text())
  }
  return texts
}

/** What a request must not be told anything by: its own words come back in errors. */
const tells = (texts: readonly string[]): boolean =>
  texts.some((text) => text.replaceAll(`${SECRET}.in`, '').includes(SECRET))

describe('whoever is not the owner', () => {
  const nobody: Record<string, () => Promise<Record<string, string>>> = {
    'does not sign': async () => ({}),
    'signs as another member': () => readingHeaders(terminalAt(nodes[1]!, STRANGER).context, id),
    'has what the owner signed about another job': () => readingHeaders(owner.context, '0'.repeat(26)),
  }
  test.each(Object.keys(nobody))('%s: no node says what the job runs, has or wrote', async (who) => {
    const headers = await nobody[who]!()
    for (const node of nodes)
      for (const via of ['socket', 'peer'] as const) expect(tells(await everythingAt(node, via, headers))).toBe(false)
  })

  test('sees that it exists, whose it is, and how it stands', async () => {
    const stranger = terminalAt(nodes[1]!, STRANGER)
    await show(stranger.context, id)
    const job = stranger.documents[0] as Job
    expect(job).toMatchObject({ id, name: 'open', labels: { team: 'film' }, state: 'failed', exitCode: 3 })
    expect(job).not.toHaveProperty('description')
    expect(job).not.toHaveProperty('inputs')
    expect(stranger.lines).toContain('details     what it runs and writes is for its owner alone')
    await list(stranger.context, { all: true })
    expect(stranger.rows.some((row) => row['name'] === 'open')).toBe(true)
    await events(stranger.context, id, { from: 1 })
    expect(stranger.records[0]).toMatchObject({ type: 'submitted', body: {} })
    expect(await statusOf(wait(stranger.context, [id]))).toBe(3)
  })

  test('is denied output, files and the reasons of nodes', async () => {
    const { context } = terminalAt(nodes[1]!, STRANGER)
    await expect(logs(context, id, { unit: 0 })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(get(context, id, [], { to: temporaryDirectory() })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(why(context, id, {})).rejects.toMatchObject({ code: 'DENIED' })
  })

  test('is no member at all: sees as much, and is not told to join', async () => {
    const guest = terminalAt(nodes[1]!, STRANGER)
    const sign = async (): Promise<never> => {
      throw new RoostError('NOT_MEMBER', 'no certificate')
    }
    await show({ ...guest.context, sign }, id)
    expect(guest.documents[0]).toMatchObject({ id, state: 'failed' })
  })
})

test('the owner sees all of it, from whichever node', async () => {
  for (const node of nodes) {
    const there = terminalAt(node)
    await show(there.context, id)
    expect(there.documents[0]).toMatchObject({
      description: { env: { WORD: SECRET } },
      inputs: [{ name: `${SECRET}.in` }],
    })
    await logs(there.context, id, { unit: 1 })
    expect(there.stdout()).toBe(`${SECRET}\n`)
    await get(there.context, id, [], { to: temporaryDirectory() })
    await why(there.context, id, {})
  }
})

test('a signature to read is good for a while, and then refused', async () => {
  const statement = await owner.context.sign('job.read', { jobId: id })
  const headersAt = (atMs: number): Record<string, string> => {
    const dated = { ...statement, statement: { ...statement.statement, atMs } }
    return { 'roost-statement': Buffer.from(encodeStatement(dated)).toString('base64') }
  }
  const read = async (headers: Record<string, string>): Promise<Job> =>
    (await (await nodes[1]!.fetch(`http://node/jobs/${id}`, { headers })).json()) as Job
  for (const agoMs of [0, 0, STATEMENT_AGE_MS_MAX - 10_000])
    expect(await read(headersAt(Date.now() - agoMs))).toHaveProperty('description')
  for (const agoMs of [STATEMENT_AGE_MS_MAX + 1_000, -3_600_000])
    await expect(read(headersAt(Date.now() - agoMs))).rejects.toMatchObject({ code: 'STATEMENT_STALE' })
})

test('a header that is no statement, or of another kind, is a typed error', async () => {
  const cancelling = await owner.context.sign('job.cancel', { jobId: id })
  const wrong: [string, string][] = [
    ['nonsense', 'MESSAGE_MALFORMED'],
    ['', 'MESSAGE_MALFORMED'],
    ['x'.repeat(9_000), 'USAGE'],
    [Buffer.from(encodeStatement(cancelling)).toString('base64'), 'DENIED'],
  ]
  for (const [statement, code] of wrong)
    await expect(
      nodes[0]!.fetch(`http://node/jobs/${id}`, { headers: { 'roost-statement': statement } }),
    ).rejects.toMatchObject({ code })
})
