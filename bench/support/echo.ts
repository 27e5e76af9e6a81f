import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** Two nodes and one open stream between them, on which records of this size come back; `ask` sends one. */
export async function startEcho(recordBytes: number): Promise<{ ask: () => Promise<void>; stop: () => Promise<void> }> {
  const [left, right] = [await startBare(), await startBare()]
  await right.handle('/echo', (stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
  })
  const stream = await left.dialProtocol(right.getMultiaddrs(), '/echo')
  let unsentCount = 0
  const flush = (): void => {
    stream.send(new Uint8Array(recordBytes * unsentCount))
    unsentCount = 0
  }
  const waiting: (() => void)[] = []
  let surplusBytes = 0
  stream.addEventListener('message', ({ data }) => {
    surplusBytes += data.byteLength
    for (; surplusBytes >= recordBytes; surplusBytes -= recordBytes) waiting.shift()!()
  })
  return {
    ask: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (unsentCount++ === 0) setImmediate(flush)
      }),
    stop: async () => void (await Promise.all([left.stop(), right.stop()])),
  }
}

async function startBare(): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
}
