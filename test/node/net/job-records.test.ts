import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { kadDHT, passthroughMapper, type KadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { createCrypto, generateKey } from '../../../node/keys/index.ts'
import { signJobRecord, type JobRecordFields, type Plain } from '../../../overlay/index.ts'
import { TestGrid, until, type TestNode } from './grid.ts'
import { frame } from './outsider.ts'

/** What a member may put under a job's key who keeps no rules: a DHT node of its own that takes and gives everything. */

const grid = new TestGrid()
const rogues: Rogue[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(rogues.splice(0).map((rogue) => rogue.stop()))
})

type Rogue = Libp2p<{ dht: KadDHT }>

async function rogueAt(nodes: readonly TestNode[]): Promise<Rogue> {
  const rogue = (await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/roost/kad/1',
        peerInfoMapper: passthroughMapper,
        clientMode: false,
        validators: { 'roost-job': () => {} },
        selectors: { 'roost-job': () => 0 },
      }),
    },
  })) as unknown as Rogue
  rogues.push(rogue)
  for (const { network } of nodes) {
    const connection = await rogue.dial(multiaddr(network.addresses()[0]!))
    const admission = await connection.newStream('/roost/admission/1')
    admission.send(frame(encode([true, { word: 'friend' }])))
    admission.send(frame(encode([true, null])))
    await until('admission', () => network.connected().includes(rogue.peerId.toString()))
  }
  await until('all know all', () =>
    nodes.every(({ network }) => network.metrics()['dht_table_peers_count'] === nodes.length),
  )
  return rogue
}

const [key, otherKey] = [generateKey(), generateKey()]
const VO = 'f'.repeat(64)

function fields(more: Partial<JobRecordFields> = {}): JobRecordFields {
  return { jobId: 'job-1', controllers: [key.id], epoch: 1, sequence: 1, owner: key.id, vo: VO, ...more }
}

function signed(more: Partial<JobRecordFields> = {}): { record: JobRecordFields; signature: Uint8Array } {
  return signJobRecord(fields(more), createCrypto(key))
}

const bytes = (value: unknown): Uint8Array => encode(value as Plain)

/** What may not stand under the key of `job-1`. */
const BAD: readonly (readonly [string, () => Uint8Array])[] = [
  ['that nobody signed', () => bytes({ ...signed(), signature: new Uint8Array(64) })],
  ['that another signed', () => bytes(signJobRecordAs(fields()))],
  ['in which something was changed', () => bytes({ ...signed(), record: fields({ epoch: 9 }) })],
  ['of another job', () => bytes(signed({ jobId: 'job-2' }))],
  ['of another grid', () => bytes(signed({ vo: 'e'.repeat(64) }))],
  ['beyond its bound', () => bytes({ ...signed(), padding: 'x'.repeat(3_000) })],
  ['that is none', () => Uint8Array.of(0xff, 1, 2, 3)],
]

/** With another's key, as whom it names. */
function signJobRecordAs(record: JobRecordFields): unknown {
  const { signature } = signJobRecord({ ...record, controllers: [otherKey.id] }, createCrypto(otherKey))
  return { record, signature }
}

const KEY = new TextEncoder().encode('/roost-job/job-1')

/** Puts to everybody it can; gives how many took it. */
async function put(rogue: Rogue, value: Uint8Array): Promise<number> {
  let takenCount = 0
  const events = rogue.services.dht.put(KEY, value, { signal: AbortSignal.timeout(10_000) })
  try {
    for await (const event of events)
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') takenCount++
  } catch {
    // Nobody took it.
  }
  return takenCount
}

describe('a record of a job', () => {
  test('that is true is taken by a holder, and believed', async () => {
    const [holder, reader] = (await grid.addConnected(2)) as [TestNode, TestNode]
    const rogue = await rogueAt([holder, reader])
    expect(await put(rogue, bytes(signed()))).toBeGreaterThan(0)
    await rogue.stop()
    await until('it is found', async () => (await found(reader)) === key.id)
  })

  test.each(BAD)('%s is neither kept by a holder nor believed by a reader', async (_, value) => {
    const [holder, reader] = (await grid.addConnected(2)) as [TestNode, TestNode]
    const rogue = await rogueAt([holder, reader])
    await put(rogue, value())
    // The liar has it all the same, and gives it to who asks.
    for (const { network } of [holder, reader])
      await expect(network.directory.findJob('job-1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
    await rogue.stop()
    for (const { network } of [holder, reader])
      await expect(network.directory.findJob('job-1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
  })

  test('that is stale takes nothing away, where it is put and where it is read', async () => {
    const [holder, reader] = (await grid.addConnected(2)) as [TestNode, TestNode]
    const rogue = await rogueAt([holder, reader])
    await put(rogue, bytes(signed({ sequence: 5, owner: otherKey.id })))
    await until('the newer one', async () => (await owner(reader)) === otherKey.id)
    await put(rogue, bytes(signed({ sequence: 4 })))
    for (let look = 0; look < 3; look++) expect(await owner(reader)).toBe(otherKey.id)
    expect(holder.network.metrics()['records_stale_puts']).toBeGreaterThan(0)
  })

  test('beyond its bounds is not put by its own controller', async () => {
    const [node] = (await grid.addConnected(2)) as [TestNode, TestNode]
    const { self, directory } = node.network
    for (const bad of [{ jobId: 'a/b' }, { jobId: 'x'.repeat(65) }, { epoch: -1 }, { owner: 'x'.repeat(129) }])
      await expect(
        directory.publishJob({ jobId: 'job-1', epoch: 1, owner: self, controllers: [self], ...bad }),
      ).rejects.toMatchObject({ code: 'MESSAGE_MALFORMED' })
    await expect(directory.findJob('job-1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
  })
})

async function found({ network }: TestNode): Promise<string | undefined> {
  return (await network.directory.findJob('job-1').catch(() => undefined))?.controllers[0]
}

async function owner({ network }: TestNode): Promise<string | undefined> {
  return (await network.directory.findJob('job-1').catch(() => undefined))?.owner
}
