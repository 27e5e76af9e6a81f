import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gridOf, type Member } from '../../support/machines.ts'
import { Machine, until } from '../../support/machine.ts'
import { askRaw, socketOf, type Answer } from '../../support/raw-http.ts'

/** What jobs say to their daemon through the socket of their unit. */

const machines: Machine[] = []
let grid: Member[]
beforeAll(async () => {
  grid = await gridOf(2, machines)
  await grid[1]!.machine.run('node', 'label', 'colour=red')
}, 120_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  await Promise.all(machines.map((machine) => machine.end()))
})

async function publishers(asking: Member, name: string): Promise<any[]> {
  const { status, body } = await askRaw(socketOf(asking.machine.dataDir), `/applications/${name}`)
  return status === 404 ? [] : body.applications
}

/** A job on the red machine that says where its socket is, and runs until it is told to end. */
async function startJob(script: string): Promise<{ id: string; socketPath: string; end: () => Promise<void> }> {
  const [first] = grid as [Member]
  const dir = join(first.machine.home, `job-${Math.floor(performance.now())}`)
  mkdirSync(dir)
  const [gate, told] = [join(dir, 'gate'), join(dir, 'told')]
  const file = join(dir, 'job.yaml')
  const run = `printf %s "$ROOST_SOCKET" > ${told}.new; mv ${told}.new ${told}; ${script}; while [ ! -e ${gate} ]; do sleep 0.1; done`
  writeFileSync(file, JSON.stringify({ name: 'talker', run, where: 'colour == "red"' }))
  const { id } = await first.machine.json('submit', file)
  const { readFileSync, existsSync } = await import('node:fs')
  await until('it runs', () => existsSync(told))
  return {
    id,
    socketPath: readFileSync(told, 'utf8'),
    end: async () => {
      writeFileSync(gate, '')
      await until('it is over', async () => (await first.machine.ask(`/aem/jobs/${id}`)).state === 'done')
    },
  }
}

function ask(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return askRaw({ socketPath }, path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

describe('a job', () => {
  test('publishes with a command of its own, is found from elsewhere, and with its end that ends', async () => {
    const [first, second] = grid as [Member, Member]
    const roost = join(import.meta.dirname, '../../../roost')
    const job = await startJob(
      `${roost} app publish talk --port 4242 --attribute step=3 && ${roost} app find 'step == 3'`,
    )
    await until('it is found', async () => (await publishers(first, 'talk')).length === 1)
    expect(await publishers(first, 'talk')).toMatchObject([
      {
        owner: job.id,
        publisher: second.id,
        job: job.id,
        endpoints: ['tcp://127.0.0.1:4242'],
        attributes: { step: 3 },
      },
    ])
    const { applications } = await first.machine.json('app', 'find', `Job == "${job.id}"`)
    expect(applications).toHaveLength(1)
    await job.end()
    await until('it is gone', async () => (await publishers(first, 'talk')).length === 0, 5_000)
  })

  test('removes what is its own and nothing else, and is denied every other route', async () => {
    const [first, second] = grid as [Member, Member]
    await second.machine.run('app', 'publish', 'service', '--port', '80')
    const { socketPath, end } = await startJob('true')
    const mine = { name: 'mine', endpoints: ['tcp://127.0.0.1:1'] }
    expect(await ask(socketPath, 'POST', '/applications', mine)).toMatchObject({ status: 200 })
    // Its own are meant where it does not say whose.
    expect((await ask(socketPath, 'GET', '/applications/service')).status).toBe(404)
    expect((await ask(socketPath, 'GET', '/applications/service?owner=any')).body.applications).toHaveLength(1)
    expect(await ask(socketPath, 'DELETE', '/applications/service')).toMatchObject({
      status: 403,
      body: { error: { code: 'DENIED' } },
    })
    const replaced = { name: 'service', instance: 'main', endpoints: ['tcp://127.0.0.1:1'] }
    expect(await ask(socketPath, 'POST', '/applications', replaced)).toMatchObject({ status: 409 })
    expect(await ask(socketPath, 'DELETE', '/applications/mine')).toMatchObject({ status: 200 })
    expect(await publishers(first, 'mine')).toEqual([])
    for (const [method, path] of [
      ['GET', '/status'],
      ['GET', '/nodes'],
      ['POST', '/shutdown'],
      ['POST', '/leave'],
      ['PUT', '/labels'],
      ['GET', '/metrics'],
      ['GET', '/aem/jobs'],
      ['POST', '/applications/service/tunnel'],
      ['POST', '/applications/find/../../shutdown'],
      ['GET', '/applications/..%2fnodes'],
    ] as const) {
      const { status } = await ask(socketPath, method, path, method === 'GET' ? undefined : {})
      expect([path, [400, 403].includes(status)]).toEqual([path, true])
    }
    await end()
    await second.machine.run('app', 'rm', 'service')
  })

  test('publishes no more than its share', async () => {
    const { socketPath, end } = await startJob('true')
    const statuses: number[] = []
    for (let index = 0; index < 17; index++)
      statuses.push(
        (await ask(socketPath, 'POST', '/applications', { name: `n${index}`, endpoints: ['tcp://h:1'] })).status,
      )
    expect(statuses).toEqual([...Array(16).fill(200), 429])
    await end()
  })

  test('keeps its socket and what it published when its daemon is killed and comes back', async () => {
    const [first, second] = grid as [Member, Member]
    const { socketPath, end } = await startJob('true')
    const brief = { name: 'steady', endpoints: ['tcp://127.0.0.1:1'], ttlMs: 10_000 }
    expect(await ask(socketPath, 'POST', '/applications', brief)).toMatchObject({ status: 200 })
    await second.machine.kill(second.daemon)
    second.daemon = await second.machine.up()
    await until('it is found again', async () => (await publishers(first, 'steady')).length === 1)
    expect((await ask(socketPath, 'GET', '/applications/steady')).body.applications).toHaveLength(1)
    await end()
    await until('it is gone', async () => (await publishers(first, 'steady')).length === 0, 5_000)
  })

  test('that ended while its daemon was down has what it published taken back', async () => {
    const [first, second] = grid as [Member, Member]
    const { socketPath, end } = await startJob('true')
    const long = { name: 'forgotten', endpoints: ['tcp://127.0.0.1:1'], ttlMs: 3_600_000 }
    expect(await ask(socketPath, 'POST', '/applications', long)).toMatchObject({ status: 200 })
    await second.machine.kill(second.daemon)
    const ended = end()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    second.daemon = await second.machine.up()
    await ended
    await until('the node is back', async () => (await first.machine.ask('/status')).nodes.alive === 2)
    await until('it is gone', async () => (await publishers(first, 'forgotten')).length === 0)
  })
})

test('a socket has a path that fits, however long that of the data directory is', async () => {
  const machine = new Machine()
  machines.push(machine)
  const long = join(machine.home, 'd'.repeat(60))
  machine.env['ROOST_DATA'] = long
  await machine.up()
  const { status, stdout } = await machine.run(
    'run',
    '--',
    'sh',
    '-c',
    'echo ${#ROOST_SOCKET}; test -S "$ROOST_SOCKET" && echo there',
  )
  expect(status).toBe(0)
  const [chars, there] = stdout.split('\n')
  expect(Number(chars)).toBeLessThanOrEqual(103)
  expect(there).toBe('there')
})
