/**
 * A libp2p node with the services that a daemon has and nothing else, in a process of its own: what a daemon costs before it is roost.
 * Arguments: a directory for its database, and the addresses of nodes to begin with. Prints its own addresses, one a line, then an empty one.
 */
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'

const [directory, ...contacts] = process.argv.slice(2)
const datastore = new LevelDatastore(directory!)
await datastore.open()
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  datastore,
  transports: [tcp(), circuitRelayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // Everybody comes from one address.
  connectionManager: { inboundConnectionThreshold: 200, allow: ['/ip4/127.0.0.0/ipcidr/8'] },
  services: {
    identify: identify(),
    ping: ping(),
    relay: circuitRelayServer(),
    dht: kadDHT({ protocol: '/bare/kad/1', peerInfoMapper: passthroughMapper, clientMode: false }),
    pubsub: gossipsub({ scoreParams: { IPColocationFactorWeight: 0 } }),
  },
})
for (const contact of contacts) {
  // On a busy machine a dial may take longer than libp2p waits.
  for (let connected = false; !connected;)
    connected = await node.dial(multiaddr(contact)).then(
      () => true,
      () => false,
    )
}
await node.services.dht.refreshRoutingTable()
process.on('message', () => process.send!(node.getConnections().length))
process.stdout.write(`${node.getMultiaddrs().join('\n')}\n\n`)
