import { readFileSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applicationRoutes } from '../../../node/surface/application-routes.ts'
import { coreRoutes } from '../../../node/surface/core-routes.ts'
import { REQUEST_BYTES_MAX } from '../../../node/surface/index.ts'
import { LOOPBACK_CONNECTIONS_COUNT_MAX } from '../../../node/surface/listen.ts'
import { jobRoutes } from '../../../aem/service/routes.ts'
import { Machine, until } from '../../support/machine.ts'
import { askRaw, loopbackOf, openRaw, sendRaw, socketOf, type Place } from '../../support/raw-http.ts'
import { encoded, signedBy, submissionForm } from '../../support/statements.ts'

/** The HTTP surface of one real daemon, under requests that no client of ours sends. */

let machine: Machine
let pid: number
let socket: Place
let loopback: Place
let fingerprint: string
let bearer: Record<string, string>

beforeAll(async () => {
  machine = new Machine()
  await machine.up()
  const status = await machine.json('status')
  pid = status.pid
  fingerprint = status.grid.fingerprint
  socket = socketOf(machine.dataDir)
  loopback = loopbackOf(status.api)
  bearer = { authorization: `Bearer ${readFileSync(join(machine.dataDir, 'api.token'), 'utf8').trim()}` }
})
afterAll(async () => {
  // Whatever was asked above, the daemon that answers is the one that was started.
  expect((await askRaw(socket, '/status')).body.pid).toBe(pid)
  await machine.end()
})

const JSON_TYPE = { 'content-type': 'application/json' }

describe('what lies on the disk', () => {
  test('keys, token, socket and certificates are for their owner alone', () => {
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
    const data = (name: string): string => join(machine.dataDir, name)
    expect(modeOf(machine.dataDir)).toBe('700')
    expect(modeOf(machine.userDir)).toBe('700')
    for (const file of ['roost.sock', 'api.token', 'node.key', 'vo/authority.key', 'vo/node.crt', 'daemon.pid'])
      expect([file, modeOf(data(file))]).toEqual([file, '600'])
    for (const directory of ['vo', 'db', 'plugins', 'plugins/aem'])
      expect([directory, modeOf(data(directory))]).toEqual([directory, '700'])
    expect(modeOf(join(machine.userDir, 'user.key'))).toBe('600')
  })
})

describe('loopback', () => {
  test.each([
    undefined,
    'Bearer',
    'Bearer wrong',
    `Bearer ${'a'.repeat(43)}`,
    `Basic ${'a'.repeat(43)}`,
    `Bearer ${'\u00e9'.repeat(43)}`,
  ])('without the token is DENIED, whatever is shown: %s', async (authorization) => {
    const headers = authorization === undefined ? {} : { authorization }
    for (const path of ['/status', '/openapi.json', '/aem/jobs', '/nowhere'])
      expect(await askRaw(loopback, path, { headers })).toMatchObject({
        status: 403,
        body: { error: { code: 'DENIED' } },
      })
  })

  test('with the token is this machine', async () => {
    expect(await askRaw(loopback, '/doctor', { headers: bearer })).toMatchObject({ status: 200 })
  })
})

const WITH_BODIES = [
  ['POST', '/find'],
  ['POST', '/invites'],
  ['PUT', '/labels'],
  ['POST', '/aem/jobs'],
  ['POST', '/aem/jobs/abc/cancel'],
  ['POST', '/aem/why'],
  ['POST', '/shutdown-not'],
] as const

function cutOff(error: NodeJS.ErrnoException): undefined {
  expect(['EPIPE', 'ECONNRESET']).toContain(error.code)
}

describe.each(['socket', 'loopback'] as const)('bodies over the %s', (way) => {
  const place = (): Place => (way === 'socket' ? socket : loopback)
  const headers = (): Record<string, string> => (way === 'socket' ? {} : bearer)

  test.each(WITH_BODIES)('%s %s refuses one that is too long, its length said or not', async (method, path) => {
    const body = Buffer.alloc(REQUEST_BYTES_MAX + 1, 'a')
    const refused = { status: 413, body: { error: { code: 'MESSAGE_TOO_LARGE' } } }
    const asked = { method, body, headers: { ...JSON_TYPE, ...headers() } }
    for (const chunked of [{}, { chunkBytes: 65_536 }]) {
      // Refused before it was all sent: the answer may be overtaken by the end of the connection, and then that is the answer.
      const answer = await askRaw(place(), path, { ...asked, ...chunked }).catch(cutOff)
      if (answer !== undefined) expect(answer).toMatchObject(refused)
    }
  })

  test.each(WITH_BODIES)('%s %s refuses bytes that mean nothing as the sender’s fault', async (method, path) => {
    for (const type of ['application/json', 'application/cbor', 'multipart/form-data; boundary=x', 'text/plain', ''])
      for (const body of ['{', '\u0000\u0001', '--x\r\n', '--x\r\n\r\n--x--', '[[[[[['])
        for (const chunkBytes of [undefined, 1]) {
          const answer = await askRaw(place(), path, {
            method,
            body,
            headers: { 'content-type': type, ...headers() },
            ...(chunkBytes && { chunkBytes }),
          })
          expect([type, body, answer.status >= 400 && answer.status < 500, answer.text]).toMatchObject([
            type,
            body,
            true,
            expect.stringContaining('"code"'),
          ])
          expect(answer.body.error.code).not.toBe('INTERNAL')
        }
  })

  test('a whole one that comes in pieces without its length is read, at the core and at a plugin', async () => {
    const found = await askRaw(place(), '/find', {
      method: 'POST',
      headers: { ...JSON_TYPE, ...headers() },
      body: JSON.stringify({ where: 'true', count: 1 }),
      chunkBytes: 5,
    })
    expect(found).toMatchObject({ status: 200, body: { nodes: [{}] } })
    const invite = await signedBy(machine, fingerprint, { action: 'vo.invite', body: { ttlMs: 60_000 } })
    const invited = await askRaw(place(), '/invites', {
      method: 'POST',
      headers: { 'content-type': 'application/cbor', ...headers() },
      body: encoded(invite),
      chunkBytes: 100,
    })
    expect(invited).toMatchObject({ status: 200, body: { ticket: expect.any(String) } })
    const statement = await signedBy(machine, fingerprint, {
      action: 'job.submit',
      body: { controller: (await machine.ask('/status')).id, description: { run: 'true' }, inputs: [] },
    })
    const form = await submissionForm(statement)
    const submitted = await askRaw(place(), '/aem/jobs', {
      method: 'POST',
      headers: { ...form.headers, ...headers() },
      body: form.body,
      chunkBytes: 50,
    })
    expect(submitted).toMatchObject({ status: 200, body: { id: expect.any(String) } })
    const cancel = await signedBy(machine, fingerprint, { action: 'job.cancel', body: { jobId: submitted.body.id } })
    const cancelled = await askRaw(place(), `/aem/jobs/${submitted.body.id}/cancel`, {
      method: 'POST',
      headers: headers(),
      body: encoded(cancel),
      chunkBytes: 64,
    })
    // Over already or not: what was signed has been understood.
    expect(['CONFLICT', undefined]).toContain(cancelled.body.error?.code)
  })
})

describe('odd requests', () => {
  test.each([
    '/nodes/..%2f..%2fnode.key',
    '/nodes/%00',
    '/nodes/%ff',
    '/nodes/%',
    '/nodes/__proto__',
    '/aem/jobs/%ff',
    '/aem/jobs/__proto__',
    '/aem/jobs/..%2f..%2f',
    '/constructor/x',
    '/__proto__/x',
    '/aem/units/..%2f..%2f/files/node.key',
    '/aem/units/x/files/..%2f..%2fnode.key',
    '/aem/jobs/00000/inputs/..%2f..%2f..%2fnode.key',
    '//status',
    '/aem',
    '/aem//x',
    '/../status/../../etc/passwd',
    '/aem/jobs/abc/events?from=-1',
    '/aem/jobs/abc/units/1e9/output',
    '/aem/jobs/abc/units/NaN/output?from=99999999999999999999',
    `/aem/jobs?user=${'a'.repeat(100)}`,
  ])('%s gives a code and no file', async (path) => {
    const { status, body } = await askRaw(socket, path)
    expect([400, 404]).toContain(status)
    expect(body.error.code).toMatch(/^(USAGE|NODE_NOT_FOUND|JOB_NOT_FOUND|UNIT_NOT_FOUND|ROUTE_NOT_FOUND)$/)
  })

  test.each([
    ['a header bomb', `GET /status HTTP/1.1\r\nhost: x\r\n${`x-${'y'.repeat(50)}: z\r\n`.repeat(2_000)}\r\n`],
    ['one long header', `GET /status HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
    ['a long path', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
    ['two lengths', 'POST /find HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'POST /find HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no HTTP', '\u0000\u0001\u0002 nonsense\r\n\r\n'],
    ['a chunk of no size', 'POST /find HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s is refused', async (_, bytes) => {
    for (const place of [socket, loopback]) expect(await sendRaw(place, bytes)).toMatch(/^HTTP\/1.1 4\d\d /)
  })

  test.each([
    'GET /status HTTP/1.1\r\n\r\n',
    'GET http://[/status HTTP/1.1\r\nhost: x\r\n\r\n',
    'GET /status HTTP/1.1\r\nhost: a b\r\n\r\n',
    'GET * HTTP/1.1\r\nhost: x\r\n\r\n',
    'TRACE /status HTTP/1.1\r\nhost: x\r\n\r\n',
    'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n',
    'GET /status HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ])('%j is answered or refused', async (bytes) => {
    const answer = await sendRaw(socket, bytes, 500)
    expect(answer).not.toMatch(/^HTTP\/1.1 5/)
  })

  test('a body that breaks off in the middle, and a client that goes before its answer, harm nobody', async () => {
    for (const bytes of [
      'POST /find HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"where"',
      'POST /aem/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n--x\r\n\r\n',
      'GET /doctor HTTP/1.1\r\nhost: x\r\n\r\n',
    ])
      for (let count = 0; count < 10; count++) {
        const connection = await openRaw(socket)
        connection.write(bytes)
        await new Promise((resolve) => setTimeout(resolve, count * 2))
        connection.on('error', () => {}).destroy()
      }
    expect((await askRaw(socket, '/status')).status).toBe(200)
  })
})

describe('many connections', () => {
  const opened: Socket[] = []
  afterAll(() => opened.forEach((connection) => connection.destroy()))

  test('1,000 that say nothing and 200 that send a letter at a time keep nobody else out', async () => {
    for (let count = 0; count < 1_000; count++) {
      const connection = await openRaw(count % 2 === 0 ? socket : loopback).catch(() => undefined)
      if (connection) opened.push(connection.on('error', () => {}).resume())
    }
    for (const connection of opened.slice(0, 200)) connection.write('GET /stat')
    expect((await askRaw(socket, '/status')).body.pid).toBe(pid)
    expect((await askRaw(loopback, '/status', { headers: bearer })).body.pid).toBe(pid)
    expect(opened.length).toBe(1_000)
  })

  test('that never finish a request are ended, in seconds and not in minutes', async () => {
    await until('the slow are gone', () => opened.every((connection) => connection.closed), 40_000)
  })

  test('beyond the bound are turned away on loopback, and the socket stays open to its owner', async () => {
    const crowd: Socket[] = []
    for (let count = 0; count < LOOPBACK_CONNECTIONS_COUNT_MAX + 50; count++)
      crowd.push((await openRaw(loopback)).on('error', () => {}).resume())
    await until('the last are turned away', () => crowd.filter(({ closed }) => closed).length >= 50)
    expect((await askRaw(socket, '/status')).body.pid).toBe(pid)
    crowd.forEach((connection) => connection.destroy())
    await until(
      'there is room again',
      async () => (await askRaw(loopback, '/status', { headers: bearer }).catch(() => undefined))?.status === 200,
    )
  })
})

describe('what it says of itself', () => {
  test('openapi.json describes every route that there is', async () => {
    const { body: document } = await askRaw(socket, '/openapi.json')
    const described = Object.entries<object>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    const routesOf = (app: { routes: { method: string; path: string }[] }, prefix: string): string[] =>
      app.routes
        .filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => `${method.toLowerCase()} ${prefix}${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    const routes = [
      ...routesOf(coreRoutes({} as never) as never, ''),
      ...routesOf(applicationRoutes({} as never) as never, ''),
      ...routesOf(jobRoutes({} as never, {} as never) as never, '/aem'),
      'get /openapi.json',
      'get /metrics',
    ]
    expect(described.toSorted()).toEqual([...new Set(routes)].toSorted())
  })

  test('openapi.json has the shape of OpenAPI 3.1, and every reference in it leads somewhere', async () => {
    const { body: document, text } = await askRaw(socket, '/openapi.json')
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\.\d+$/),
      info: { title: expect.any(String), version: expect.any(String) },
    })
    for (const [path, item] of Object.entries<any>(document.paths)) {
      expect(path).toMatch(/^\//)
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
      for (const operation of Object.values<any>(item)) {
        expect(operation.summary).toEqual(expect.any(String))
        const parameters = (operation.parameters ?? []) as any[]
        const inPath = parameters.filter((parameter) => parameter.in === 'path')
        expect(inPath.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
        expect(inPath.every(({ required }) => required === true)).toBe(true)
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
        for (const [status, response] of Object.entries<any>(operation.responses)) {
          expect(status).toMatch(/^(default|[1-5]\d\d)$/)
          expect(response.description).toEqual(expect.any(String))
        }
      }
    }
    for (const [, reference] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
      expect(document.components.schemas).toHaveProperty(reference!)
  })

  test('/metrics is Prometheus text: typed families, names that begin with roost_, numbers', async () => {
    const { text, status } = await askRaw(socket, '/metrics')
    expect(status).toBe(200)
    expect(text.endsWith('\n')).toBe(true)
    const typed = new Set<string>()
    const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})? (-?[\d.eE+-]+|NaN|[+-]Inf)$/
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
      if (type) {
        expect(typed.has(type[1]!)).toBe(false)
        typed.add(type[1]!)
      } else if (!line.startsWith('# HELP ')) {
        expect(line).toMatch(SAMPLE)
        const name = SAMPLE.exec(line)![1]!
        expect(name).toMatch(/^roost_/)
        expect([...typed].some((family) => name === family || name.startsWith(`${family}_`))).toBe(true)
      }
    }
    expect(typed.size).toBeGreaterThan(20)
  })
})
