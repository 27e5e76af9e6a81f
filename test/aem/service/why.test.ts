import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { run, type RunOptions } from '../../../aem/commands/run.ts'
import { submit } from '../../../aem/commands/submit.ts'
import { why } from '../../../aem/commands/why.ts'
import type { Why } from '../../../aem/service/index.ts'
import { temporaryDirectory } from '../execution/fixture.ts'
import { Grid, statusOf, terminalAt, type MemberNode, type Terminal } from './grid.ts'

const GIB = 2 ** 30
let grid: Grid
let nodes: MemberNode[]

beforeEach(async () => {
  grid = new Grid()
  nodes = [await grid.add(0), await grid.add(1), await grid.add(2)]
  for (const [index, node] of nodes.entries())
    node.attributes = { Cores: 4 + index, Memory: 16 * GIB, FreeCores: 4, FreeMemory: GIB }
})

function jobFile(text: string): string {
  const file = join(temporaryDirectory(), 'job.yaml')
  writeFileSync(file, text)
  return file
}

async function asked(terminal: Terminal, subject: string): Promise<Why> {
  await why(terminal.context, subject, {})
  return terminal.documents.at(-1) as Why
}

describe('of a job that waits', () => {
  test.each([0, 1, 2])('node %i says which condition each node fails, with its value', async (index) => {
    const owner = terminalAt(nodes[0]!)
    // `false` is what the grid of these tests finds nobody for.
    await submit(owner.context, jobFile('run: date\nwhere: Cores >= 64 && !false'))
    const { id } = owner.documents[0] as { id: string }
    const terminal = terminalAt(nodes[index]!)
    const answer = await asked(terminal, id.slice(0, 10))
    expect(answer).toMatchObject({
      job: { id },
      headline: 'no node has Cores >= 64; the largest has 6; without it 3 nodes would match',
      groups: [{ kind: 'condition', text: 'Cores >= 64: 4 to 6 there', count: 3 }],
      isWhole: true,
    })
    expect(answer.nodes.map(({ reason }) => reason).toSorted()).toEqual(
      [4, 5, 6].map((cores) => `Cores >= 64: ${cores} here`),
    )
    expect(terminal.rows).toEqual([
      { nodes: 3, reason: 'Cores >= 64: 4 to 6 there', which: expect.stringMatching(/^node-. node-. node-.$/) },
    ])
  })

  test('names nodes that are gone', async () => {
    const owner = terminalAt(nodes[0]!)
    await submit(owner.context, jobFile('run: date\nnodes: 3\nwhere: "!false"'))
    await grid.remove(nodes[2]!)
    const { headline, groups } = await asked(owner, '@last')
    expect(headline).toBe('3 nodes wanted, 2 nodes match; 1 that may match cannot be reached')
    expect(groups).toContainEqual({ kind: 'unreachable', text: 'dead', count: 1, nodes: [nodes[2]!.id] })
  })

  test('says what a node refused it for', async () => {
    const owner = terminalAt(nodes[0]!)
    // These nodes say that they have more than they promise.
    await submit(owner.context, jobFile('run: date\nnodes: 3\nmemory: 4GiB'))
    for (const node of nodes) node.attributes = { ...node.attributes, FreeMemory: 8 * GIB }
    await expect
      .poll(async () => (await asked(owner, '@last')).groups.map(({ kind }) => kind), { timeout: 20_000 })
      .toEqual(['refused'])
    expect((await asked(owner, '@last')).nodes[0]!.reason).toMatch(/^refused \d+ s ago: \d+ bytes of memory wanted/)
  })
})

test('of a job that runs or has ended says where and since when, and asks nobody', async () => {
  const terminal = terminalAt(nodes[1]!)
  const options: RunOptions = { in: [], out: [], env: [] }
  expect(await statusOf(run(terminal.context, ['exit 3'], options))).toBe(3)
  const { headline, nodes: told } = await asked(terminalAt(nodes[2]!), (terminal.documents[0] as { id: string }).id)
  expect(headline).toMatch(/^it has ended on node-.: failed at 2.* UTC, exit status 3: unit 0: exited with 3$/)
  expect(told).toEqual([])
})

describe('of a file', () => {
  test('says what would become of it, and submits nothing', async () => {
    const terminal = terminalAt(nodes[0]!)
    const { headline, job } = await asked(terminal, jobFile('run: date\nwhere: Memory >= 1TiB'))
    expect(headline).toBe('no node has Memory >= 1TiB; the largest has 16GiB; without it 3 nodes would match')
    expect(job).toBeUndefined()
    const list = await nodes[0]!.fetch('http://roost/aem/jobs?all=true')
    expect((await list.json()) as object).toMatchObject({ jobs: [] })
  })

  test('says that it would run', async () => {
    const { headline } = await asked(terminalAt(nodes[0]!), jobFile('run: date'))
    expect(headline).toBe('nothing stands in its way: 3 nodes match and have room, 1 node wanted')
  })

  test('says until when a node is busy, as that node says', async () => {
    const owner = terminalAt(nodes[0]!)
    const running = jobFile('run: sleep 60\ncores: 4\nnodes: 3\nlimits: { time: 10m }')
    await submit(owner.context, running)
    const { id } = owner.documents[0] as { id: string }
    await expect
      .poll(
        async () =>
          ((await (await nodes[0]!.fetch(`http://roost/aem/jobs/${id}`)).json()) as { reason: string }).reason,
        {
          timeout: 20_000,
        },
      )
      .toContain('3 running')
    for (const node of nodes) node.attributes = { ...node.attributes, FreeCores: 0 }
    const { headline, nodes: told } = await asked(owner, jobFile('run: date\ncores: 2'))
    expect(headline).toMatch(/3 are busy and there is room in \d+ min at the latest$/)
    for (const { reason, roomAtMs } of told) {
      expect(reason).toMatch(/^2 cores wanted, 0 free; room in \d+ min at the latest$/)
      expect(roomAtMs).toBeGreaterThan(Date.now())
    }
  })

  test('that is none is told as submit tells it', async () => {
    await expect(asked(terminalAt(nodes[0]!), './no/such/file')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    await expect(asked(terminalAt(nodes[0]!), jobFile('run: date\nwhree: 1'))).rejects.toMatchObject({
      code: 'JOB_MALFORMED',
    })
  })
})

test('what is no job is not found, and how to name a file is said', async () => {
  await expect(asked(terminalAt(nodes[0]!), 'jobfile')).rejects.toMatchObject({
    code: 'JOB_NOT_FOUND',
    hint: 'a file is named by a path: ./jobfile',
  })
})

test('another node may not have this one ask around for a description of its own', async () => {
  const body = JSON.stringify({ description: { run: 'date' } })
  const headers = { 'content-type': 'application/json' }
  const request = new Request('http://roost/aem/why', { method: 'POST', headers, body })
  const response = await nodes[0]!.surface(request, { via: 'peer', peer: nodes[1]!.id })
  expect((await response.json()) as object).toMatchObject({ error: { code: 'DENIED' } })
})
