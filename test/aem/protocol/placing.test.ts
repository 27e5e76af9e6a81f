import { describe, expect, test } from 'vitest'
import { parseExpression, RoostError, seededRng, type PeerId } from '../../../overlay/index.ts'
import type { JobEvent, JobReply, JobRequest } from '../../../aem/protocol/index.ts'
import { readDescription } from '../../../aem/protocol/description.ts'
import { JobRecord } from '../../../aem/protocol/job-record.ts'
import { Placer, whereOf } from '../../../aem/protocol/placing.ts'

const nodeOf = (letter: string): PeerId => `12D3KooWJ2sZ9LSRm3Hnknode${letter.repeat(27)}`
const [A, B, C, SELF] = ['a', 'b', 'c', 'd'].map(nodeOf) as [PeerId, PeerId, PeerId, PeerId]

type Answer = (request: JobRequest) => JobReply

const willing: Answer = ({ type }) => ({ type: type === 'hold' ? 'held' : type === 'confirm' ? 'confirmed' : 'noted' })
const full: Answer = () => ({ type: 'refused', reason: '1 cores wanted, 0 free' })
const distrustful: Answer = (request) => {
  if (request.type === 'confirm') throw new RoostError('CREDENTIAL_EXPIRED', 'the certificate is past its time')
  return willing(request)
}

/** A job of so many units, and a placer among nodes that answer so. */
function scene(count: number, nodes: Readonly<Record<PeerId, Answer>>) {
  const asked: string[] = []
  const log: JobEvent[] = []
  const excepted: number[] = []
  const surroundings = { self: SELF, nowMs: 0, wallMs: 0, rng: seededRng(3), crypto: undefined as never }
  const sleep = async (): Promise<void> => undefined
  const body = { controller: SELF, description: { run: 'true', nodes: count }, inputs: [] } as never
  const first: JobEvent = {
    type: 'submitted',
    number: 1,
    atMs: 0,
    jobId: '0123456789abcdefghjkmnpqrs',
    owner: SELF,
    controller: SELF,
    body,
    statement: { body },
  }
  const store = { append: async (_id: string, events: readonly JobEvent[]) => void log.push(...events) }
  const job = new JobRecord([first], { store: store as never, surroundings, sleep, onEvent: () => undefined })
  const placer = new Placer(
    {
      surroundings,
      sleep,
      trouble: () => undefined,
      ask: async (to, request) => {
        asked.push(`${request.type} ${to.at(-1)}`)
        return nodes[to]!(request)
      },
    },
    {
      get: () => ({ state: 'alive' }),
      watch: () => () => undefined,
      find: async (query, { except = new Set() }) => {
        excepted.push(except.size)
        const found = Object.keys(nodes).filter((id) => !except.has(id))
        return {
          candidates: found.slice(0, query.count).map((id) => ({ id, attributes: {}, rank: 0 })),
          rejections: [{ id: SELF, reason: 'silent' }],
        }
      },
    },
    { home: SELF, epoch: 1 },
  )
  return { job, placer, asked, log, excepted }
}

describe('an attempt to place a job', () => {
  test('holds, writes down, asks to confirm, writes down', async () => {
    const { job, placer, asked, log } = scene(2, { [A]: willing, [B]: willing })
    expect(await placer.attempt(job)).toBeUndefined()
    expect(asked.toSorted()).toEqual(['confirm a', 'confirm b', 'hold a', 'hold b'])
    expect(log.map((event) => event.type)).toEqual(['matched', 'placed'])
  })

  test('says how many nodes are missing, and why', async () => {
    const { job, placer, log } = scene(3, { [A]: willing, [B]: willing })
    expect(await placer.attempt(job)).toBe('3 nodes wanted, 2 free that match; 1 did not answer')
    expect(log).toEqual([])
  })

  test('takes another node for one that has no room', async () => {
    const { job, placer } = scene(2, { [A]: full, [B]: willing, [C]: willing })
    await placer.attempt(job)
    expect(job.view.placement).toBe('placed')
    expect(job.view.units.map((unit) => unit.node).toSorted()).toEqual([B, C])
  })

  test('lets everything go and writes nothing down when there is no room for the whole gang', async () => {
    const { job, placer, asked, log } = scene(2, { [A]: willing, [B]: full })
    expect(await placer.attempt(job)).toContain('1 cores wanted, 0 free')
    expect(log).toEqual([])
    expect(asked).toContain('stop a')
  })

  test('is given up when a node will not confirm, and leaves that node out the next time', async () => {
    const { job, placer, asked, log, excepted } = scene(1, { [A]: distrustful, [B]: willing })
    await placer.attempt(job)
    expect(log.map((event) => event.type)).toEqual(['matched', 'queued'])
    expect(job.view.reason).toContain('CREDENTIAL_EXPIRED')
    expect(asked).toEqual(['hold a', 'confirm a', 'stop a'])
    await placer.attempt(job)
    expect(excepted).toEqual([0, 1])
    expect(job.view).toMatchObject({ placement: 'placed', attempt: 2 })
  })

  test('is not begun for a job that was cancelled meanwhile, and is not decided for one', async () => {
    const cancelling = { type: 'cancelling', by: SELF, reason: 'not needed' } as const
    const before = scene(1, { [A]: willing })
    await before.job.append(() => cancelling)
    await before.placer.attempt(before.job)
    expect(before.log.map((event) => event.type)).toEqual(['cancelling'])

    const during = scene(1, {
      [A]: (request) => {
        if (request.type === 'confirm') void during.job.append(() => cancelling)
        return willing(request)
      },
    })
    await during.placer.attempt(during.job)
    expect(during.log.map((event) => event.type)).toEqual(['matched', 'cancelling', 'ended'])
    expect(during.asked).toContain('stop a')
  })
})

test('what a unit needs free is asked for beside what the user wrote, whatever that ends with', () => {
  const description = readDescription({ run: 'true', where: 'Cores > 1 // big ones', cores: 2, memory: '1KiB' })
  expect(whereOf(description)).toBe('(Cores > 1 // big ones\n) && FreeCores >= 2 && FreeMemory >= 1024')
  expect(() => parseExpression(whereOf(description))).not.toThrow()
})

test('isolated units match only nodes that isolate', () => {
  const description = readDescription({ run: 'a', where: 'Cores > 1 // big ones', isolate: true })
  expect(whereOf(description)).toBe('((Cores > 1 // big ones\n) && Isolation == true\n) && FreeCores >= 1')
  expect(() => parseExpression(whereOf(description))).not.toThrow()
})
