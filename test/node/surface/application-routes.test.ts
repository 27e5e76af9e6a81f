import { beforeEach, describe, expect, test } from 'vitest'
import {
  createSurface,
  MetricsRegistry,
  type ApplicationSurface,
  type Core,
  type Surface,
} from '../../../node/surface/index.ts'
import type { Application, ApplicationDirectory, Caller, Publication } from '../../../overlay/contract/index.ts'
import { RoostError } from '../../../overlay/index.ts'

/** The routes over a directory that is played by the test. */

const local: Caller = { via: 'socket' }
const job: Caller = { via: 'job', job: { id: 'j', unit: 'j.1.0' } }
const peer: Caller = { via: 'peer', peer: 'p' }
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const web: Application = {
  name: 'web',
  owner: 'p',
  publisher: 'p',
  instance: 'main',
  endpoints: ['tcp://h:1'],
  attributes: { version: 2 },
  ttlMs: 60_000,
  atMs: 1,
}

let asked: unknown[]
/** Whose name was resolved last. */
let whose: string | undefined
let applications: ApplicationSurface
let surface: Surface
beforeEach(() => {
  asked = []
  const directoryFor = (caller: Caller): ApplicationDirectory => ({
    publish: async (publication: Publication) => {
      asked.push([caller.via, publication])
      return web
    },
    remove: async (name, options) => void asked.push([caller.via, name, options]),
    resolve: async (name, options) => {
      whose = options?.owner
      return name === 'web' ? [web] : []
    },
    find: async (where, { count, timeoutMs }) => {
      asked.push([where, count, timeoutMs])
      return { applications: [web], isComplete: true }
    },
  })
  serve({ directoryFor, openTunnel: async () => ({ port: 4_242 }) })
})

function serve(played: Partial<ApplicationSurface>): void {
  applications = { ...applications, ...played }
  surface = createSurface({
    core: {} as Core,
    applications,
    plugins: { running: () => undefined, failure: () => undefined, all: () => [] },
    metrics: new MetricsRegistry(),
    version: '0',
    log: silent,
  })
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  caller = local,
): Promise<{ status: number; body: any }> {
  const headers = { 'content-type': 'application/json' }
  const init = { method, ...(body !== undefined && { headers, body: JSON.stringify(body) }) }
  const response = await surface(new Request(`http://roost${path}`, init), caller)
  return { status: response.status, body: await response.json() }
}

describe('applications over HTTP', () => {
  test('are published with what was left out filled in', async () => {
    expect(await ask('POST', '/applications', { name: 'web', endpoints: ['tcp://h:1'] })).toEqual({
      status: 200,
      body: web,
    })
    expect(asked).toEqual([['socket', { name: 'web', endpoints: ['tcp://h:1'], attributes: {}, ttlMs: 60_000 }]])
  })

  test('are resolved, searched and removed', async () => {
    expect((await ask('GET', '/applications/web')).body).toEqual({ applications: [web] })
    expect(await ask('GET', '/applications/none')).toMatchObject({
      status: 404,
      body: { error: { code: 'APPLICATION_NOT_FOUND' } },
    })
    expect((await ask('POST', '/applications/find', {})).body).toEqual({ applications: [web], isComplete: true })
    expect((await ask('DELETE', '/applications/web?instance=x')).body).toEqual({ removed: true })
    expect((await ask('DELETE', '/applications/web')).body).toEqual({ removed: true })
    expect(asked).toEqual([
      ['true', 100, 5_000],
      ['socket', 'web', { instance: 'x' }],
      ['socket', 'web', {}],
    ])
  })

  test('that do not fit their schema are USAGE, and name the field', async () => {
    const good = { name: 'web', endpoints: ['tcp://h:1'] }
    for (const [field, value] of Object.entries({
      name: 'Web',
      endpoints: [],
      ttlMs: 5,
      attributes: { a: null },
      statement: '!',
    })) {
      const { status, body } = await ask('POST', '/applications', { ...good, [field]: value })
      expect([field, status, body.error.message]).toEqual([field, 400, expect.stringContaining(field)])
    }
    expect((await ask('GET', '/applications/..%2Fnodes')).status).toBe(400)
    expect((await ask('POST', '/applications/find', { count: 0 })).status).toBe(400)
  })

  test('a member’s statement that is none is refused before anything is published', async () => {
    const body = { name: 'web', endpoints: ['tcp://h:1'], statement: Buffer.from('{}').toString('base64') }
    expect(await ask('POST', '/applications', body)).toMatchObject({
      status: 400,
      body: { error: { code: 'MESSAGE_MALFORMED' } },
    })
    expect(asked).toEqual([])
  })

  test('are published, removed and tunnelled to from the machine itself; other nodes read', async () => {
    const publication = { name: 'web', endpoints: ['tcp://h:1'] }
    expect((await ask('POST', '/applications', publication, peer)).status).toBe(403)
    expect((await ask('DELETE', '/applications/web', undefined, peer)).status).toBe(403)
    expect((await ask('POST', '/applications/web/tunnel', {}, peer)).status).toBe(403)
    expect((await ask('GET', '/applications/web', undefined, peer)).status).toBe(200)
  })

  test('stand in the description', async () => {
    const { body } = await ask('GET', '/openapi.json')
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/applications',
        '/applications/{name}',
        '/applications/find',
        '/applications/{name}/tunnel',
      ]),
    )
    expect(body.components.schemas).toHaveProperty('PublishRequest')
  })
})

test('a name is resolved of whom one says; of a job’s own where a job says nothing, and of all where others do not', async () => {
  const rows = [
    [local, '', undefined],
    [local, '?owner=any', undefined],
    [local, '?owner=12D3', '12D3'],
    [job, '', 'j'],
    [job, '?owner=any', undefined],
    [job, '?owner=12D3', '12D3'],
  ] as const
  for (const [caller, query, owner] of rows) {
    await ask('GET', `/applications/web${query}`, undefined, caller)
    expect([query, whose]).toEqual([query, owner])
  }
  expect((await ask('GET', '/applications/web?owner=')).status).toBe(400)
})

describe('a job', () => {
  test('is known to the directory as what it is', async () => {
    await ask('POST', '/applications', { name: 'web', endpoints: ['tcp://h:1'] }, job)
    expect(asked).toMatchObject([['job', { name: 'web' }]])
  })

  test('reaches the routes that are for jobs and no other, by whatever spelling', async () => {
    const denied = [
      ['GET', '/nodes'],
      ['GET', '/status'],
      ['GET', '/openapi.json'],
      ['GET', '/metrics'],
      ['POST', '/shutdown'],
      ['GET', '/applications'],
      ['PUT', '/applications/web'],
      ['POST', '/applications/web/tunnel'],
      ['GET', '/applications/web/'],
      ['GET', '//applications/web'],
      ['GET', '/applications/../nodes'],
      ['GET', '/x/../nodes'],
      ['POST', '/toy/applications'],
    ]
    for (const [method, path] of denied) {
      const { status, body } = await ask(method!, path!, method === 'GET' ? undefined : {}, job)
      expect([path, status, body.error.code]).toEqual([path, 403, 'DENIED'])
    }
  })
})

describe('a tunnel over HTTP', () => {
  test('is a line for its port, then one for each connection, and closes when the reader goes away', async () => {
    let news: Parameters<ApplicationSurface['openTunnel']>[1] | undefined
    serve({
      openTunnel: async (name, options) => {
        expect(name).toBe('web')
        news = options
        return { port: 4_242 }
      },
    })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"port":7,"owner":"me"}' }
    const response = await surface(new Request('http://roost/applications/web/tunnel', init), local)
    const reader = response.body!.getReader()
    const line = async (): Promise<unknown> => JSON.parse(new TextDecoder().decode((await reader.read()).value))
    expect(await line()).toEqual({ type: 'listening', port: 4_242 })
    expect(news).toMatchObject({ port: 7, owner: 'me' })
    news!.onNews({ type: 'connected', node: 'n', instance: 'main' })
    expect(await line()).toEqual({ type: 'connected', node: 'n', instance: 'main' })
    expect(news!.signal.aborted).toBe(false)
    await reader.cancel()
    expect(news!.signal.aborted).toBe(true)
    // Connections go on for a moment; nobody is told.
    news!.onNews({ type: 'failed', code: 'BUSY', message: 'x' })
  })

  test('that cannot be opened is an answer of its own', async () => {
    serve({
      openTunnel: async () => {
        throw new RoostError('PORT_TAKEN', 'taken')
      },
    })
    expect(await ask('POST', '/applications/web/tunnel', {})).toMatchObject({
      status: 409,
      body: { error: { code: 'PORT_TAKEN' } },
    })
  })
})
