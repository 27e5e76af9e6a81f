import type { Socket } from 'node:net'
import { noise, type NoiseComponents } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { ConnectionEncrypter, Libp2p, Stream, StreamMuxerFactory } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test } from 'vitest'
import { inOneWrite, withFewerWindowUpdates } from '../../../node/net/thrift.ts'

const ECHO = '/echo'
const nodes: Libp2p[] = []

afterEach(async () => void (await Promise.all(nodes.splice(0).map((node) => node.stop()))))

test('a message on an open stream leaves in one write, and asks for none in return', async () => {
  const { stream, counts } = await openEcho()
  // Windows grow first, and both ends' are as large as they become.
  for (let round = 0; round < 50; round++) await echoed(stream, 60_000)
  counts.writes = counts.windowUpdates = 0
  for (let round = 0; round < 50; round++) await echoed(stream, 100)
  // There and back.
  expect(counts).toEqual({ writes: 100, windowUpdates: 0 })
})

test('what is sent in one callback leaves in one write', async () => {
  const { stream, counts } = await openEcho()
  await echoed(stream, 100)
  counts.writes = 0
  for (let round = 0; round < 10; round++) stream.send(new Uint8Array(100))
  await new Promise((resolve) => process.nextTick(resolve))
  expect(counts.writes).toBe(1)
})

test('many times the window passes a stream, in both directions', async () => {
  const { stream, counts } = await openEcho()
  for (let round = 0; round < 100; round++) await echoed(stream, 60_000)
  expect(counts.windowUpdates).toBeGreaterThan(0)
})

test('streams that follow each other each have a whole window', async () => {
  const { node, to } = await openEcho()
  for (let round = 0; round < 20; round++) {
    const stream = await node.dialProtocol(to.getMultiaddrs(), ECHO)
    await echoed(stream, 60_000)
    await stream.close()
  }
})

interface Counts {
  writes: number
  windowUpdates: number
}

async function openEcho(): Promise<{ stream: Stream; node: Libp2p; to: Libp2p; counts: Counts }> {
  const counts: Counts = { writes: 0, windowUpdates: 0 }
  const [node, to] = [await start(counts), await start(counts)]
  await to.handle(ECHO, (stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
    stream.addEventListener('remoteCloseWrite', () => void stream.close())
  })
  return { node, to, counts, stream: await node.dialProtocol(to.getMultiaddrs(), ECHO) }
}

async function echoed(stream: Stream, bytes: number): Promise<void> {
  let missing = bytes
  const whole = new Promise<void>((resolve) => {
    const take = ({ data }: { data: { byteLength: number } }): void => {
      missing -= data.byteLength
      if (missing > 0) return
      stream.removeEventListener('message', take)
      resolve()
    }
    stream.addEventListener('message', take)
  })
  stream.send(new Uint8Array(bytes))
  await whole
}

async function start(counts: Counts): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [inOneWrite<NoiseComponents>((components) => countingWrites(noise()(components), counts))],
    streamMuxers: [withFewerWindowUpdates(() => countingWindowUpdates(yamux()() as StreamMuxerFactory, counts))],
  })
  nodes.push(node)
  return node
}

/** What reaches the socket itself. */
function countingWrites(encrypter: ConnectionEncrypter, counts: Counts): ConnectionEncrypter {
  const counted = <Connection>(connection: Connection): Connection => {
    const { socket } = connection as { socket: Socket }
    const { _write, _writev } = socket
    socket._write = function (...given) {
      counts.writes++
      _write.apply(this, given)
    }
    socket._writev = function (...given) {
      counts.writes++
      _writev!.apply(this, given)
    }
    return connection
  }
  return {
    protocol: encrypter.protocol,
    secureInbound: (connection, options) => encrypter.secureInbound(counted(connection), options),
    secureOutbound: (connection, options) => encrypter.secureOutbound(counted(connection), options),
  }
}

function countingWindowUpdates(factory: StreamMuxerFactory, counts: Counts): StreamMuxerFactory {
  return {
    protocol: factory.protocol,
    createStreamMuxer: (connection) => {
      const muxer = factory.createStreamMuxer(connection)
      const inner = muxer as unknown as { sendFrame(header: { type: number; flag: number }, data?: unknown): boolean }
      const { sendFrame } = inner
      inner.sendFrame = (header, data) => {
        if (header.type === 1 && header.flag === 0) counts.windowUpdates++
        return sendFrame.call(inner, header, data)
      }
      return muxer
    },
  }
}
