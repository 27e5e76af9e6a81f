import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import type { GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, SingleKadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import type { Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import { RoostError } from '../../overlay/index.ts'
import type { NetworkOptions, RelayLimits } from './contract.ts'
import type { Counters } from './counters.ts'
import { EVENT_BYTES_MAX, TOPICS } from './topics.ts'
import { compareAddresses } from './dial-order.ts'
import type { Gate } from './gate.ts'
import { lazyTls } from './lazy-tls.ts'
import { RPC_LIMITS } from './pubsub-guard.ts'
import { RecordStore } from './record-store.ts'
import type { Prefer } from './record-store.ts'
import type { ReservationStore } from './relays.ts'
import { Strangers } from './strangers.ts'
import { inOneWrite, withFewerWindowUpdates } from './thrift.ts'

/** Makes the libp2p node, with the settings that measuring it asked for. Why each is there stands beside it. */

export const KAD_PROTOCOL = '/roost/kad/1'
/** The first part of a key in the DHT, `/roost-job/<id>`, by which kad-dht picks validator and selector. */
export const JOB_NAMESPACE = 'roost-job'

/** Connections at once; beyond it libp2p closes those that are worth least to it. About 100 KB each. */
export const CONNECTIONS_COUNT_MAX = 1_000
/** Inbound connections a second from one host. libp2p's 5 turns away most of a grid that starts on one machine. */
const INBOUND_THRESHOLD = 200
/** Handshakes from outside that are under way at once. */
const INBOUND_PENDING_COUNT_MAX = 64
/** Streams of one connection that the other side opened. HTTP takes most. */
const INBOUND_STREAMS_COUNT_MAX = 256
/** What a stream may have on the way unread. Without round-trip time more brings nothing; a paused reader holds this much. */
const STREAM_WINDOW_BYTES_MAX = 1_048_576
/** Beyond this a stream is reset: our own writers stop far below it, at the first sign that a stream is full. */
const STREAM_WRITE_BYTES_MAX = 4_194_304
/**
 * Between two pings of a connection, and how long one may go unanswered. They end the connections of a machine that vanished
 * without a word, whose death membership has told long before. Each costs a stream at both ends and an entry in the peer store: every
 * 15 s, they were a third of what a daemon among ten used while idle, and more with every node.
 */
const PING_MS = 60_000
const PING_TIMEOUT_MS = 15_000

/**
 * Relaying costs the relay the bytes twice. Links between members live for days and carry little; who moves much over a relay
 * is cut after a gibibyte, and goes on over a new connection.
 */
export const RELAY_LIMITS: RelayLimits = {
  reservationsMax: 64,
  connectionBytesMax: 1_073_741_824,
  connectionMsMax: 21_600_000,
}
/** Relayed connections under way at one peer, by way of one relay. */
const RELAYED_STREAMS_COUNT_MAX = 256
/** A place at a relay lasts so long and is renewed five minutes before; that of a node that is gone is free by then. */
const RESERVATION_MS = 900_000
/** From a node's wish to be relayed to another, until it is. */
const HOP_MS = 5_000

/** What of kad-dht its types leave out. */
export type Dht = KadDHT & {
  readonly routingTable: SingleKadDHT['routingTable'] & { remove(peer: PeerId): Promise<void> }
}

export interface GridServices extends Record<string, unknown> {
  readonly dht: Dht
  readonly pubsub: GossipSub
  readonly identify: Identify
  readonly ping: Ping
  readonly relay: CircuitRelayService
}

export interface GridNode {
  readonly libp2p: Libp2p<GridServices>
  readonly records: RecordStore
  /** The places that this node has at relays. */
  readonly reservations: ReservationStore
  /** Closes the database, if it was opened here. */
  closeStore(): Promise<void>
}

export interface GridNodeDependencies {
  readonly gate: Gate
  readonly counters: Counters
  /** Throws where a value under a job's key is not a record that may stand there. */
  readonly validate: (key: Uint8Array, value: Uint8Array) => void
  readonly prefer: Prefer
  /** Whether this node is one that others reach, and so can be a relay. */
  readonly isReachable: () => boolean
  readonly isNear: (host: string) => boolean
}

/** A node that is not started yet: it has neither sockets nor timers. */
export async function makeGridNode(
  { privateKey, listen, announce, store, relay }: NetworkOptions,
  { gate, counters, validate, prefer, isReachable, isNear }: GridNodeDependencies,
): Promise<GridNode> {
  const limits = { ...RELAY_LIMITS, ...relay }
  const strangers = new Strangers(gate, counters)
  let reservations: ReservationStore | undefined
  const datastore = store === undefined ? undefined : new LevelDatastore(store)
  let records: RecordStore | undefined
  if (typeof store === 'string') await datastore!.open()
  const libp2p = await createLibp2p<GridServices>({
    start: false,
    privateKey: privateKeyFromRaw(privateKey),
    addresses: { listen: [...listen], ...(announce !== undefined && { announce: [...announce] }) },
    ...(datastore !== undefined && { datastore }),
    transports: [
      tcp(),
      (components) => {
        const transport = circuitRelayTransport({
          maxInboundStopStreams: RELAYED_STREAMS_COUNT_MAX,
          maxOutboundStopStreams: RELAYED_STREAMS_COUNT_MAX,
        })(gate.guard(components))
        reservations = (transport as unknown as { reservationStore: ReservationStore }).reservationStore
        return transport
      },
    ],
    // Strangers are taken to members, and have no places themselves.
    connectionGater: {
      denyInboundRelayReservation: (peer) => !isReachable() || !gate.peers().includes(peer.toString()),
    },
    // Noise first: 16 to 24 ms of CPU a handshake, both ends, where tls takes 39 to 47; in bulk they are alike.
    connectionEncrypters: [inOneWrite(noise()), inOneWrite(lazyTls())],
    streamMuxers: [
      withFewerWindowUpdates(
        yamux({
          maxInboundStreams: INBOUND_STREAMS_COUNT_MAX,
          streamOptions: {
            maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
            maxReadBufferLength: 2 * STREAM_WINDOW_BYTES_MAX,
            maxWriteBufferLength: STREAM_WRITE_BYTES_MAX,
          },
        }),
      ),
    ],
    connectionManager: {
      maxConnections: CONNECTIONS_COUNT_MAX,
      inboundConnectionThreshold: INBOUND_THRESHOLD,
      maxIncomingPendingConnections: INBOUND_PENDING_COUNT_MAX,
      addressSorter: (left, right) => compareAddresses(String(left.multiaddr), String(right.multiaddr), isNear),
      // Grids on one machine: everybody comes from one address.
      allow: ['/ip4/127.0.0.0/ipcidr/8'],
    },
    connectionMonitor: { pingInterval: PING_MS, pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    services: {
      identify: identify(),
      ping: ping(),
      relay: (components) =>
        circuitRelayServer({
          hopTimeout: HOP_MS,
          maxInboundHopStreams: RELAYED_STREAMS_COUNT_MAX,
          maxOutboundStopStreams: RELAYED_STREAMS_COUNT_MAX,
          reservations: {
            maxReservations: limits.reservationsMax,
            reservationTtl: RESERVATION_MS,
            defaultDataLimit: BigInt(limits.connectionBytesMax),
            defaultDurationLimit: limits.connectionMsMax,
          },
        })(gate.guard(components, (inner) => strangers.handler(inner))),
      dht: (components) => {
        records = new RecordStore(components.datastore, prefer, counters)
        const { datastore: guarded } = records
        const components_ = override(gate.guard(components), 'datastore', guarded)
        return kadDHT({
          protocol: KAD_PROTOCOL,
          // A grid lives on private addresses as well as on public ones; the default mapper drops the private.
          peerInfoMapper: passthroughMapper,
          clientMode: false,
          validators: { [JOB_NAMESPACE]: (key, value) => validate(key, value) },
          selectors: { [JOB_NAMESPACE]: (_key, values) => best(values, prefer) },
        })(components_) as Dht
      },
      pubsub: (components) =>
        gossipsub({
          // So that `from` is true: every event is signed by the node that published it.
          globalSignaturePolicy: 'StrictSign',
          allowedTopics: [...TOPICS],
          decodeRpcLimits: RPC_LIMITS,
          fallbackToFloodsub: false,
          allowPublishToZeroTopicPeers: true,
          emitSelf: false,
          runOnLimitedConnection: true,
          // With it, a mesh with more than ten peers on one address empties itself.
          scoreParams: { IPColocationFactorWeight: 0 },
          maxInboundDataLength: 16 * EVENT_BYTES_MAX,
          maxOutboundBufferSize: 64 * EVENT_BYTES_MAX,
        })(gate.guard(components)),
    },
  })
  return {
    libp2p,
    records: records!,
    reservations: reservations!,
    closeStore: async () => {
      if (typeof store === 'string') await datastore!.close()
    },
  }
}

/** Starts listening. Rejects with `PORT_TAKEN` or `ADDRESS_UNAVAILABLE` where that is why it cannot. */
export async function startGridNode(libp2p: Libp2p, listen: readonly string[]): Promise<void> {
  try {
    await libp2p.start()
  } catch (cause) {
    const text = `${String(cause)} ${cause instanceof AggregateError ? cause.errors.map(String).join(' ') : ''}`
    if (text.includes('EADDRINUSE'))
      throw new RoostError('PORT_TAKEN', `another program listens on ${listen.join(', ')}`, { cause })
    throw new RoostError('ADDRESS_UNAVAILABLE', `cannot listen on ${listen.join(', ')}`, { cause })
  }
}

function best(values: readonly Uint8Array[], prefer: Prefer): number {
  let bestIndex = 0
  for (let index = 1; index < values.length; index++) if (prefer(values[bestIndex]!, values[index]!)) bestIndex = index
  return bestIndex
}

function override<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  value: Target[Name],
): Target {
  return new Proxy(target, { get: (inner, asked) => (asked === name ? value : Reflect.get(inner, asked)) })
}
