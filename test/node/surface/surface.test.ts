import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Agent, fetch as undiciFetch } from 'undici'
import type { Caller, Log, RouteBindings, RunningPlugin } from '../../../overlay/contract/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import {
  bearerCaller,
  closeServer,
  createSurface,
  type ApplicationSurface,
  listenOnLoopback,
  listenOnSocket,
  MetricsRegistry,
  nodeListener,
  type Core,
  type Surface,
} from '../../../node/surface/index.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const local: Caller = { via: 'socket' }

/** A core that fails at everything that a test does not use. */
const core = new Proxy({} as Core, {
  get: (_, name) => () => {
    if (name === 'nodes') return []
    if (name === 'shutdown') return undefined
    throw name === 'status'
      ? new TypeError('a mistake of ours')
      : new RoostError('NODE_NOT_FOUND', 'no node is called that')
  },
})

let running: Record<string, RunningPlugin> = {}
let failures: Record<string, RoostError> = {}
let surface: Surface

beforeEach(() => {
  const app = new Hono<RouteBindings>()
  app.get('/things/:id', (context) =>
    context.json({ id: context.req.param('id'), q: context.req.query('q'), via: context.env.caller.via }),
  )
  app.get('/broken', () => {
    throw new RoostError('CONFLICT', 'not now')
  })
  running = {
    toy: {
      routes: { app, describe: () => ({ paths: { '/things/{id}': { get: {} } }, schemas: { Thing: {} } }) },
      stop: async () => {},
    },
  }
  failures = { sick: new RoostError('PLUGIN_FAILED', 'sick: no such device') }
  surface = createSurface({
    core,
    applications: {} as ApplicationSurface,
    plugins: {
      running: (name) => running[name],
      failure: (name) => failures[name],
      all: () => Object.entries(running).map(([name, plugin]) => ({ name, running: plugin })),
    },
    metrics: new MetricsRegistry(),
    version: '0.0.0',
    log,
  })
})

async function ask(path: string, init?: RequestInit, caller = local): Promise<{ status: number; body: any }> {
  const response = await surface(new Request(`http://roost${path}`, init), caller)
  return { status: response.status, body: await response.json() }
}

describe('one surface', () => {
  test('a plugin answers under its name and knows its caller', async () => {
    expect(await ask('/toy/things/7?q=a%20b')).toEqual({ status: 200, body: { id: '7', q: 'a b', via: 'socket' } })
  })

  test('every failure has a code, a message and a hint, whoever failed', async () => {
    const conflict = await ask('/toy/broken')
    expect(conflict).toMatchObject({ status: 409, body: { error: { code: 'CONFLICT', message: 'not now' } } })
    expect(await ask('/toy/nothing')).toMatchObject({ status: 404, body: { error: { code: 'ROUTE_NOT_FOUND' } } })
    expect(await ask('/nowhere')).toMatchObject({ status: 404, body: { error: { code: 'ROUTE_NOT_FOUND' } } })
    expect(await ask('/absent/x')).toMatchObject({ status: 404, body: { error: { code: 'ROUTE_NOT_FOUND' } } })
    expect(await ask('/nodes/xyz')).toMatchObject({ status: 404, body: { error: { code: 'NODE_NOT_FOUND' } } })
    expect(await ask('/sick/x')).toMatchObject({ status: 500, body: { error: { code: 'PLUGIN_FAILED' } } })
    expect(await ask('/status')).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } })
  })

  test('a body that does not fit its schema is USAGE and names the field', async () => {
    const headers = { 'content-type': 'application/json' }
    const wrong = await ask('/find', {
      method: 'POST',
      headers,
      body: JSON.stringify({ where: 'true', count: 'many' }),
    })
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'USAGE' } } })
    expect(wrong.body.error.message).toContain('count')
  })

  test('a body over the bound is refused before it is read', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': String(100 * 1024 * 1024) }
    const big = await ask('/find', { method: 'POST', headers, body: '{}' })
    expect(big).toMatchObject({ status: 413, body: { error: { code: 'MESSAGE_TOO_LARGE' } } })
  })

  test('other nodes may not stop this one', async () => {
    expect(await ask('/shutdown', { method: 'POST' }, { via: 'peer', peer: 'p' })).toMatchObject({ status: 403 })
    expect(await ask('/shutdown', { method: 'POST' })).toMatchObject({ status: 200 })
  })

  test('describes the core and the plugins that run, from the code', async () => {
    const { body } = await ask('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/nodes', '/find', '/toy/things/{id}']))
    expect(body.components.schemas).toHaveProperty('Node')
  })

  test('numbers of a source are read when somebody looks, also those that came later', async () => {
    const metrics = new MetricsRegistry()
    const counts: Record<string, number> = { sent: 1 }
    metrics.addSource('net', () => counts)
    expect((await metrics.render()).text).toMatch(/^roost_net_sent 1$/m)
    Object.assign(counts, { sent: 2, lost: 5 })
    const { text } = await metrics.render()
    expect(text).toMatch(/^roost_net_sent 2$/m)
    expect(text).toMatch(/^roost_net_lost 5$/m)
  })

  test('gives metrics in Prometheus text', async () => {
    const response = await surface(new Request('http://roost/metrics'), local)
    expect(await response.text()).toMatch(/^# TYPE roost_process_cpu_seconds_total counter$/m)
  })
})

describe('ways in', () => {
  const open: { close: () => Promise<void> }[] = []
  afterEach(async () => {
    for (const { close } of open.splice(0)) await close()
  })
  const socketPath = (): string => join(mkdtempSync(join(tmpdir(), 'roost-surface-')), 'roost.sock')

  async function overSocket(path: string, route: string): Promise<number> {
    const agent = new Agent({ connect: { socketPath: path } })
    const response = await undiciFetch(`http://roost${route}`, { dispatcher: agent })
    await response.text()
    await agent.close()
    return response.status
  }

  test('the socket can be opened by its owner alone', async () => {
    const path = socketPath()
    const server = await listenOnSocket(
      path,
      nodeListener(surface, () => local, log),
    )
    open.push({ close: () => closeServer(server) })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await overSocket(path, '/toy/things/1')).toBe(200)
  })

  test('a socket left by a daemon that died is replaced, one that answers is not', async () => {
    const path = socketPath()
    writeFileSync(path, '')
    const server = await listenOnSocket(
      path,
      nodeListener(surface, () => local, log),
    )
    open.push({ close: () => closeServer(server) })
    await expect(listenOnSocket(path, () => {})).rejects.toMatchObject({ code: 'DAEMON_RUNNING' })
    expect(await overSocket(path, '/toy/things/1')).toBe(200)
  })

  test('sockets that are opened at the same moment leave the umask of the process as it was', async () => {
    const before = process.umask()
    const servers = await Promise.all(Array.from({ length: 8 }, () => listenOnSocket(socketPath(), () => {})))
    for (const server of servers) open.push({ close: () => closeServer(server) })
    expect(process.umask()).toBe(before)
  })

  test('loopback asks for the token', async () => {
    const { server, url } = await listenOnLoopback(0, nodeListener(surface, bearerCaller('s3cret'), log))
    open.push({ close: () => closeServer(server) })
    const get = (authorization?: string) =>
      fetch(`${url}/nodes`, authorization ? { headers: { authorization } } : {}).then((response) => response.status)
    expect([await get(), await get('Bearer wrong!'), await get('Bearer s3cret')]).toEqual([403, 403, 200])
  })

  test('a taken port is one clear error', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    open.push({ close: () => closeServer(other) })
    const { port } = other.address() as { port: number }
    await expect(listenOnLoopback(port, () => {})).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(String(port)),
    })
  })

  test('a path too long for a socket says so', async () => {
    await expect(listenOnSocket(join(tmpdir(), 'x'.repeat(120)), () => {})).rejects.toMatchObject({
      code: 'DIRECTORY_UNWRITABLE',
    })
  })
})
