import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { callerOf } from '../../../node/net/index.ts'
import { TestGrid, randomText, until } from './grid.ts'
import type { TestNode } from './grid.ts'
import { dialAsMember, fateOf, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
afterEach(() => grid.stop())

type Listener = Parameters<TestNode['network']['serveHttp']>[0]

async function pair(listener: Listener): Promise<{ fetch: typeof fetch; client: TestNode; server: TestNode }> {
  const [client, server] = (await grid.addConnected(2)) as [TestNode, TestNode]
  server.network.serveHttp(listener)
  return { fetch: client.network.peerFetch(server.network.self) as typeof fetch, client, server }
}

describe('HTTP between nodes', () => {
  test('carries method, path, query string, headers and body, and says who calls', async () => {
    const { fetch, client } = await pair(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const seen = {
        method: request.method,
        url: request.url,
        header: request.headers['x-mark'],
        body: Buffer.concat(chunks).toString(),
        caller: callerOf(request),
      }
      response.writeHead(201, { 'content-type': 'application/json', 'x-answer': 'yes' })
      response.end(JSON.stringify(seen))
    })
    const response = await fetch('http://whatever/a/b?x=1&x=2&y=%20z', {
      method: 'POST',
      headers: { 'x-mark': 'm' },
      body: 'payload',
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('x-answer')).toBe('yes')
    expect(await response.json()).toEqual({
      method: 'POST',
      url: '/a/b?x=1&x=2&y=%20z',
      header: 'm',
      body: 'payload',
      caller: client.network.self,
    })
  })

  test('takes a Request, and gives a Response of this process', async () => {
    const { fetch } = await pair((_request, response) => response.writeHead(204).end())
    const response = await fetch(new Request('http://x/', { method: 'DELETE' }))
    expect(response).toBeInstanceOf(Response)
    expect(response.status).toBe(204)
  })

  test('streams an answer as it is written', async () => {
    let next = (): void => {}
    const { fetch } = await pair(async (_request, response) => {
      response.writeHead(200)
      for (const line of ['one', 'two', 'three']) {
        response.write(line)
        await new Promise<void>((resolve) => (next = resolve))
      }
      response.end()
    })
    const response = await fetch('http://x/')
    const read: string[] = []
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      read.push(chunk)
      next()
    }
    expect(read).toEqual(['one', 'two', 'three'])
  })

  test('carries a large body in both directions, whole', async () => {
    const { fetch } = await pair((request, response) => void request.pipe(response.writeHead(200)))
    const body = randomText(6_000_000)
    const response = await fetch('http://x/', { method: 'PUT', body })
    expect((await response.text()) === body).toBe(true)
  })

  test('a reader that pauses holds up the writer, and memory stays bounded', async () => {
    let writtenBytes = 0
    const { fetch } = await pair(async (_request, response) => {
      response.writeHead(200)
      const chunk = new Uint8Array(100_000)
      const closed = once(response, 'close')
      while (writtenBytes < 200_000_000 && !response.destroyed) {
        writtenBytes += chunk.length
        if (!response.write(chunk)) await Promise.race([once(response, 'drain'), closed])
      }
      response.end()
    })
    const response = await fetch('http://x/')
    const reader = response.body!.getReader()
    await reader.read()
    await sleep(500)
    const heldBytes = writtenBytes
    expect(heldBytes).toBeLessThan(8_000_000)
    await sleep(200)
    expect(writtenBytes).toBe(heldBytes)
    let readBytes = 0
    while (readBytes < 20_000_000) readBytes += (await reader.read()).value!.length
    expect(writtenBytes).toBeGreaterThan(heldBytes)
    await reader.cancel()
  })

  test('fifty requests and more are answered at once', async () => {
    let openCount = 0
    let mostCount = 0
    const { fetch } = await pair(async (request, response) => {
      mostCount = Math.max(mostCount, ++openCount)
      while (mostCount < 50) await sleep(5)
      openCount--
      response.end(request.url)
    })
    const answers = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => (await fetch(`http://x/?n=${index}`)).text()),
    )
    expect(answers).toEqual(answers.map((_, index) => `/?n=${index}`))
  })

  test('an aborted request ends at both sides', async () => {
    let ended = false
    const { fetch } = await pair((_request, response) => {
      response.on('close', () => (ended = true))
      response.writeHead(200)
      response.write('begun')
    })
    const controller = new AbortController()
    const response = await fetch('http://x/', { signal: controller.signal })
    controller.abort()
    await expect(response.text()).rejects.toThrow()
    await until('the server to notice', () => ended)
    const before = AbortSignal.abort()
    await expect(fetch('http://x/', { signal: before })).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('streams are used again, and end when nobody asks any more', async () => {
    const { fetch, server } = await pair((_request, response) => response.end('x'))
    for (let count = 0; count < 20; count++) await (await fetch('http://x/')).text()
    expect(server.network.metrics()['http_served_sockets_count']).toBeLessThan(5)
    await until('it ends', () => server.network.metrics()['http_served_sockets_count'] === 0)
  })

  test('a peer that is gone is PEER_UNREACHABLE; one that goes meanwhile is CONNECTION_LOST', async () => {
    const { fetch, server } = await pair(() => {})
    const waiting = fetch('http://x/').catch((thrown: unknown) => thrown)
    await until('it is asked', () => server.network.metrics()['http_requests'] === 1)
    await server.network.stop()
    expect(await waiting).toMatchObject({ code: 'CONNECTION_LOST', certain: false })
    await expect(fetch('http://x/')).rejects.toMatchObject({ code: 'PEER_UNREACHABLE', certain: true })
  })

  test('before anybody listens is 503, and says that the node is starting', async () => {
    const [client, server] = await grid.addConnected(2)
    const response = await client!.network.peerFetch(server!.network.self)('http://x/')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'BUSY' } })
  })

  test('a redirect is given to the caller, not followed', async () => {
    const { fetch } = await pair((_request, response) => response.writeHead(302, { location: '/other' }).end())
    expect((await fetch('http://x/')).status).toBe(302)
  })

  test('a garbled request ends its stream, and the node goes on', async () => {
    const { fetch, server } = await pair((_request, response) => response.end('fine'))
    const outsider = await makeOutsider()
    const connection = await dialAsMember(outsider, server.network)
    for (const garbage of ['\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/1.1\r\n'.padEnd(100_000, 'x')]) {
      const stream = await connection.newStream('/roost/http/1')
      const fate = fateOf(stream)
      stream.send(new TextEncoder().encode(garbage))
      expect((await fate).ended).toBe(true)
    }
    await outsider.stop()
    expect(await (await fetch('http://x/')).text()).toBe('fine')
  })
})
