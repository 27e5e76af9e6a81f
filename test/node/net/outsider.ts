import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { encode } from '../../../node/codec/index.ts'
import type { Network } from '../../../node/net/index.ts'
import { until } from './grid.ts'

/** A bare libp2p node that keeps no rules of ours: what an attacker has. */
export async function makeOutsider(privateKey?: PrivateKey): Promise<Libp2p> {
  return await createLibp2p({
    privateKey: privateKey ?? (await generateKeyPair('Ed25519')),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
  })
}

export async function dialNetwork(outsider: Libp2p, network: Network): Promise<Connection> {
  return await outsider.dial(multiaddr(network.addresses()[0]!))
}

/** What became of a stream: how it ended, and the bytes that came. */
export async function fateOf(stream: Stream, waitMs = 5_000): Promise<{ ended: boolean; received: number }> {
  let received = 0
  stream.addEventListener('message', (event) => {
    received += event.data.byteLength
  })
  const ended = await new Promise<boolean>((resolve) => {
    if (stream.status !== 'open') resolve(true)
    stream.addEventListener('close', () => resolve(true))
    setTimeout(() => resolve(false), waitMs).unref()
  })
  return { ended, received }
}

/** A connection that was admitted by the word of `wordAdmission`: a member that is free to misbehave. */
export async function dialAsMember(outsider: Libp2p, network: Network): Promise<Connection> {
  const connection = await dialNetwork(outsider, network)
  const admission = await connection.newStream('/roost/admission/1')
  admission.send(frame(encode([true, { word: 'friend' }])))
  admission.send(frame(encode([true, null])))
  await until('admission', () => network.connected().includes(outsider.peerId.toString()))
  return connection
}

/** Bytes as the grid frames them. */
export function frame(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(4 + bytes.length)
  framed.writeUInt32BE(bytes.length)
  framed.set(bytes, 4)
  return framed
}
