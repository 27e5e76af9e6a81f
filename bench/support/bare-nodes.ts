import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SINK = '/sink'
/** The window that the daemon gives its streams. */
const WINDOW_BYTES = 1_048_576

/** A bare libp2p node that takes what it is sent on a stream, and says one byte when it has all of it. */
export async function startBareSink(): Promise<{ addresses: string[] }> {
  const node = await startBare()
  await node.handle(SINK, (stream) => {
    stream.addEventListener('message', () => {})
    stream.addEventListener('remoteCloseWrite', () => {
      stream.send(Uint8Array.of(1))
      void stream.close()
    })
  })
  return { addresses: node.getMultiaddrs().map(String) }
}

/** Sends so many bytes over a stream of its own, chunk by chunk as the stream takes them; resolves when the far end has them. */
export async function startBareSource(
  addresses: readonly string[],
): Promise<(chunk: Uint8Array, count: number) => Promise<void>> {
  const node = await startBare()
  const to = addresses.map((address) => multiaddr(address))
  return async (chunk, count) => {
    const stream = await node.dialProtocol(to, SINK)
    const done = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
    for (let index = 0; index < count; index++)
      if (!stream.send(chunk)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    await stream.close()
    await done
  }
}

async function startBare(): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES, maxReadBufferLength: 2 * WINDOW_BYTES } }),
    ],
    services: { identify: identify() },
  })
}
