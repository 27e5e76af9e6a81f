import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { socketFetch } from '../../../node/client/index.ts'
import { RoostError } from '../../../overlay/index.ts'

let dir: string
let server: Server | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'roost-client-'))
})

afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  rmSync(dir, { recursive: true })
})

async function serve(listener: RequestListener, signal = new AbortController().signal) {
  const path = join(dir, 'roost.sock')
  server = createServer(listener)
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  return socketFetch(path, { signal, unreachableHint: 'start it' })
}

test('method, path, query, headers and body arrive', async () => {
  const fetch = await serve((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      response.end(JSON.stringify({ method, url, header: headers['x-test'], length: headers['content-length'], body }))
    })
  })
  const reply = await fetch('http://anywhere/a/b?c=d', { method: 'PUT', headers: { 'x-test': 'y' }, body: 'hello' })
  expect(await reply.json()).toEqual({ method: 'PUT', url: '/a/b?c=d', header: 'y', length: '5', body: 'hello' })
})

test('a form that nobody takes to its end fails once, and in no other way', async () => {
  const unhandled: unknown[] = []
  const note = (thrown: unknown): void => void unhandled.push(thrown)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const formOf = (byteCount: number): FormData => {
    const form = new FormData()
    for (const name of ['statement', 'file']) form.set(name, new Blob([new Uint8Array(byteCount)]))
    return form
  }
  const nobody = socketFetch(join(dir, 'nobody.sock'), { signal: new AbortController().signal, unreachableHint: '' })
  const rude = await serve((request) => request.socket.destroy())
  for (const byteCount of [10, 200_000, 10, 200_000]) {
    const init = { method: 'POST', body: formOf(byteCount) }
    await expect(nobody('/', init)).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
    await expect(rude('/', init)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  }
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})

test('a form of any length arrives whole', async () => {
  const fetch = await serve((request, response) => {
    let byteCount = 0
    request.on('data', (chunk) => (byteCount += chunk.length))
    request.on('end', () => response.end(String(byteCount)))
  })
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(3_000_000)]))
  expect(Number(await (await fetch('/', { method: 'POST', body: form })).text())).toBeGreaterThan(3_000_000)
})

test('a body is read as it comes', async () => {
  let more: () => void = () => {}
  const fetch = await serve((_request, response) => {
    response.write('first')
    more = () => response.end('second')
  })
  const reader = (await fetch('/')).body!.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('first')
  more()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('second')
  expect((await reader.read()).done).toBe(true)
})

test('a failed status is the error that it carries', async () => {
  const error = new RoostError('UNSCHEDULABLE', 'no such machine', { hint: 'wait', data: { wanted: 4 } })
  const fetch = await serve((_request, response) => response.writeHead(409).end(JSON.stringify({ error })))
  await expect(fetch('/')).rejects.toMatchObject({ code: 'UNSCHEDULABLE', message: 'no such machine', hint: 'wait' })
})

test('a failed status without an error of ours is INTERNAL', async () => {
  const fetch = await serve((_request, response) => response.writeHead(502).end('<html>'))
  await expect(fetch('/')).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('502') })
})

test('no daemon is DAEMON_UNREACHABLE with what to do', async () => {
  const fetch = socketFetch(join(dir, 'none.sock'), {
    signal: new AbortController().signal,
    unreachableHint: 'start it',
  })
  await expect(fetch('/')).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE', hint: 'start it' })
})

test('a daemon that ends before its answer leaves it uncertain', async () => {
  const fetch = await serve((request) => request.socket.destroy())
  await expect(fetch('/')).rejects.toMatchObject({ code: 'CONNECTION_LOST', certain: false })
})

test('a daemon that ends in the middle of its answer does too', async () => {
  const fetch = await serve((request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some', () => request.socket.destroy())
  })
  const reply = await fetch('/')
  await expect(reply.text()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
})

test('ctrl-c ends a request and a body', async () => {
  const interrupt = new AbortController()
  const fetch = await serve((request, response) => {
    if (request.url === '/body') response.write('first')
  }, interrupt.signal)
  const waiting = fetch('/never')
  const body = (await fetch('/body')).text()
  interrupt.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(body).rejects.toMatchObject({ code: 'CANCELLED' })
  // Who brings a signal of its own goes on.
  const own = new AbortController()
  await expect((await fetch('/body', { signal: own.signal })).status).toBe(200)
})
