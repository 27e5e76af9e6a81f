/**
 * The far end of `bench/tunnel.ts`, in a process of its own: a bare libp2p node, a daemon's network, and a program that takes what it is
 * sent and says one byte when it has all of it. Prints where they are.
 */
import { createServer, type AddressInfo } from 'node:net'
import { Tunnels } from '../../node/daemon/tunnels.ts'
import { startNetwork } from './network.ts'
import { startBareSink } from './bare-nodes.ts'

const bare = await startBareSink()
const network = await startNetwork()
const sink = createServer({ allowHalfOpen: true }, (socket) => {
  socket.resume()
  socket.on('end', () => socket.end('.'))
  socket.on('error', () => {})
})
await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
const { port } = sink.address() as AddressInfo
const record = {
  name: 'sink',
  instance: 'main',
  endpoints: [`tcp://127.0.0.1:${port}`],
  attributes: {},
  ttlMs: 60_000,
  atMs: Date.now(),
  sequence: 1,
  publisher: network.self,
  vo: 'bench',
}
const signed = { record, signature: new Uint8Array(64) }
const nothing = (): void => {}
new Tunnels({
  network,
  vo: 'bench',
  log: { debug: nothing, info: nothing, warn: console.error, error: console.error },
  published: () => [signed],
  resolve: async () => [],
})
process.send!({ bare: bare.addresses, addresses: network.addresses(), peer: network.self, record, port })
