import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions } from 'libp2p'
import { afterEach, expect, test } from 'vitest'
import { lazyTls } from '../../../node/net/lazy-tls.ts'

const nodes: Libp2p[] = []

afterEach(async () => void (await Promise.all(nodes.splice(0).map((node) => node.stop()))))

async function start(connectionEncrypters: Required<Libp2pOptions>['connectionEncrypters']): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters,
    streamMuxers: [yamux()],
  })
  nodes.push(node)
  return node
}

test('a node that has nothing but TLS connects, and is connected to', async () => {
  const ours = await start([noise(), lazyTls()])
  const inbound = await start([tls()])
  const outbound = await start([tls()])
  const connections = [await inbound.dial(ours.getMultiaddrs()), await ours.dial(outbound.getMultiaddrs())]
  expect(connections.map(({ encryption }) => encryption)).toEqual(['/tls/1.0.0', '/tls/1.0.0'])
  expect(connections.map(({ remotePeer }) => remotePeer.toString())).toEqual([
    ours.peerId.toString(),
    outbound.peerId.toString(),
  ])
})
