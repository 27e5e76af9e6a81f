import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { Counters } from '../../../node/net/counters.ts'
import { HttpServer, type HttpListener } from '../../../node/net/http.ts'
import { until } from './grid.ts'
import { fateOf, makeOutsider } from './outsider.ts'

/** The serving side alone, on libp2p streams of nodes that keep no rules, with bounds of milliseconds. */

const QUICK = {
  stalledMs: 300,
  sweepMs: 50,
  late: { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 },
}

const nodes: Libp2p[] = []
const servers: HttpServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) server.stop()
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function serve(
  listener: HttpListener,
  options?: object,
): Promise<{ counters: Counters; server: HttpServer; open(): Promise<Stream> }> {
  const counters = new Counters()
  const server = new HttpServer(counters, () => {}, options)
  server.listen(listener)
  servers.push(server)
  const [here, there] = [await makeOutsider(), await makeOutsider()]
  nodes.push(here, there)
  await there.handle('/http', (stream: Stream, connection: Connection) => server.accept(stream, connection))
  const connection = await here.dial(multiaddr(String(there.getMultiaddrs()[0]!)))
  return { counters, server, open: () => connection.newStream('/http') }
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words)

/** A letter every few milliseconds, until the stream is over or the words are. */
async function spell(stream: Stream, words: string): Promise<void> {
  for (const letter of words) {
    if (stream.status !== 'open') return
    stream.send(text(letter))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a peer that asks over HTTP', () => {
  test('a letter at a time is cut off, in the head and in the body', async () => {
    const { counters, server, open } = await serve(
      (request, response) => request.resume().on('end', () => response.end()),
      QUICK,
    )
    const head = await open()
    await Promise.all([fateOf(head), spell(head, `GET /${'x'.repeat(100)} HTTP/1.1\r\n`)])
    expect(head.status).not.toBe('open')
    const body = await open()
    body.send(text('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n'))
    await Promise.all([fateOf(body), spell(body, 'x'.repeat(100))])
    expect(body.status).not.toBe('open')
    expect(counters.get('http_late_requests')).toBe(2)
    await until('nothing is left', () => server.socketsCount === 0)
  })

  test('and takes nothing of the answer is cut off; one that waits for a slow answer is not', async () => {
    const endless = (response: Parameters<HttpListener>[1]): void => {
      const more = (): void => {
        while (response.write(new Uint8Array(65_536)));
        response.once('drain', more)
      }
      more()
    }
    const { counters, open } = await serve((request, response) => {
      if (request.url === '/endless') endless(response)
      else setTimeout(() => response.end('at last'), 1_000)
    }, QUICK)
    const [unread, patient] = [await open(), await open()]
    unread.pause()
    unread.send(text('GET /endless HTTP/1.1\r\nhost: x\r\n\r\n'))
    patient.send(text('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n'))
    const fate = fateOf(patient, 2_000)
    await until('it is cut off', () => counters.get('http_stalled_sockets') === 1)
    expect((await fate).received).toBeGreaterThan(0)
    expect(counters.get('http_stalled_sockets')).toBe(1)
  })
})
