import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import type { Plain } from '../../../overlay/index.ts'
import { DaemonClient } from '../../support/daemon.ts'
import { makeInsider } from '../../support/insider.ts'
import { Machine, until } from '../../support/machine.ts'
import { WIRES } from '../../fuzz/targets.ts'
import { frame } from '../net/outsider.ts'

/** A member that keeps no rules, at a real daemon: whatever it sends is counted or refused, and the daemon goes on in bounds. */

let machine: Machine
let daemon: DaemonClient
let pid: number
let address: string
/** One after the other: who is cut off comes back under another name, which outsiders cannot and a member with many keys can. */
const insiders: Libp2p[] = []
let connectAs: (() => Promise<Connection>) | undefined

const runs = Number(process.env['ROOST_TEST_RUNS'] ?? 60)
/** What a daemon may grow by under all of this; it idles at some 100 MiB, and collects garbage when it likes. */
const GROWTH_BYTES_MAX = 250 * 1024 * 1024

beforeAll(async () => {
  machine = new Machine()
  await machine.up()
  daemon = new DaemonClient(machine)
  const status = await daemon.status()
  pid = status.pid
  address = status.addresses[0]
})
afterEach(async () => {
  expect((await daemon.status()).pid).toBe(pid)
  expect(machine.uncaughtCount).toBe(0)
})
afterAll(async () => {
  await Promise.all(insiders.map((insider) => insider.stop()))
  await machine.end()
})

async function connect(): Promise<Connection> {
  const connection = await connectAs?.().catch(() => undefined)
  if (connection !== undefined) return connection
  const made = await makeInsider(machine, address)
  insiders.push(made.insider)
  connectAs = made.connect
  return await made.connect()
}

/** All that a daemon speaks, as it says itself. */
const PROTOCOLS = [
  '/roost/grid/1',
  '/roost/http/1',
  '/roost/tunnel/1',
  '/roost/kad/1',
  '/meshsub/1.0.0',
  '/meshsub/1.1.0',
  '/meshsub/1.2.0',
  '/libp2p/circuit/relay/0.2.0/hop',
  '/libp2p/circuit/relay/0.2.0/stop',
  '/roost/admission/1',
  '/roost/join/1',
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
] as const

/** What is spoken within the grid's own protocol, and one that is not. */
const WIRE_IDS = [...WIRES.map(({ id }) => id), '/roost/nothing/1']

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

async function open(connection: Connection, protocol: string): Promise<Stream | undefined> {
  return connection.newStream(protocol, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
}

function send(stream: Stream, bytes: Uint8Array): void {
  if (stream.status !== 'open') return
  try {
    stream.send(bytes)
  } catch {
    // Full, or cut off in this moment: both are answers.
  }
}

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string({ maxLength: 60 }),
    fc.uint8Array({ maxLength: 60 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.constantFrom('type', 'unitId', 'text', '__proto__', 'peers', 'statement', 'a'), tie('value'), {
      maxKeys: 5,
    }),
  ) as fc.Arbitrary<Plain>,
})).value

/** What begins like the grid's own messages, and goes on otherwise. */
const almostEnvelopes = fc
  .tuple(fc.constantFrom(...WIRE_IDS), fc.nat({ max: 8 }), plain, plain)
  .map(([wire, kind, one, other]) => encode([wire, kind, one, other] as unknown as Plain))

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 4_000 }),
  fc.uint8Array({ maxLength: 400 }).map(frame),
  almostEnvelopes.map(frame),
  plain.map((value) => frame(encode(value))),
  // A length that no frame may have, and one that never comes.
  fc.constantFrom(Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0, 1, 0, 0, 1), Uint8Array.of(0, 0, 0, 0)),
  fc
    .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'BREW'), fc.webPath(), fc.string({ maxLength: 100 }))
    .map(([method, path, body]) =>
      new TextEncoder().encode(
        `${method} ${path || '/'} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      ),
    ),
)

test('every protocol that the daemon speaks is one that is tried here', async () => {
  const connection = await connect()
  const insider = insiders.at(-1)!
  let protocols: string[] = []
  await until('identify told the protocols', async () => {
    protocols = (await insider.peerStore.get(connection.remotePeer)).protocols
    return protocols.length > PROTOCOLS.length / 2
  })
  expect(protocols.filter((protocol) => !(PROTOCOLS as readonly string[]).includes(protocol))).toEqual([])
  connection.abort(new Error('enough'))
})

describe('a member that keeps no rules', () => {
  test('sends random and nearly right bytes to every protocol (ROOST_TEST_RUNS times)', async () => {
    const seed = Number(process.env['ROOST_TEST_SEED'] ?? Date.now() % 1_000_000)
    console.info(`replay: ROOST_TEST_SEED=${seed} ROOST_TEST_RUNS=${runs} vitest run test/node/daemon/wire.test.ts`)
    const before = residentBytes()
    let connection = await connect()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PROTOCOLS),
        fc.array(payloads, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (protocol, pieces, isAborted) => {
          if (connection.status !== 'open') connection = await connect()
          const stream = await open(connection, protocol)
          if (stream === undefined) return
          for (const piece of pieces) send(stream, piece)
          if (isAborted) stream.abort(new Error('gone'))
          else await stream.close({ signal: AbortSignal.timeout(500) }).catch(() => stream.abort(new Error('slow')))
          expect(await daemon.isUp()).toBe(true)
        },
      ),
      { numRuns: runs, seed },
    )
    connection.abort(new Error('enough'))
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX)
    expect(await daemon.metric('roost_net_grid_links_count')).toBeLessThan(10)
  })

  test('opens streams without end, on every protocol, and is bounded', async () => {
    for (const protocol of PROTOCOLS) {
      const connection = await connect()
      const streams = await Promise.all(Array.from({ length: 600 }, () => open(connection, protocol)))
      const openCount = streams.filter((stream) => stream?.status === 'open').length
      expect([protocol, openCount <= 300]).toEqual([protocol, true])
      expect(await daemon.isUp()).toBe(true)
      connection.abort(new Error('enough'))
    }
    await until(
      'nothing is left of them',
      async () => (await daemon.metric('roost_net_http_served_sockets_count')) === 0,
    )
  })

  test('never reads what it asked for, and holds no memory by it', async () => {
    const connection = await connect()
    const before = residentBytes()
    const request = new TextEncoder().encode('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200))
    for (let count = 0; count < 30; count++) {
      const stream = await open(connection, '/roost/http/1')
      if (stream === undefined) continue
      stream.pause()
      send(stream, request)
    }
    await sleep(3_000)
    await daemon.staysUp(500)
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX)
    connection.abort(new Error('enough'))
  })

  test('promises long messages and sends them by the byte, and is one link at most', async () => {
    const connection = await connect()
    for (let count = 0; count < 20; count++) {
      const stream = await open(connection, '/roost/grid/1')
      if (stream !== undefined) send(stream, Uint8Array.of(0, 3, 0xff, 0xff, 1, 2, 3))
    }
    await daemon.staysUp(500)
    expect(await daemon.metric('roost_net_grid_links_count')).toBeLessThan(10)
    connection.abort(new Error('enough'))
  })

  test('connects again and again, and leaves nothing', async () => {
    for (const insider of insiders)
      for (const connection of insider.getConnections()) connection.abort(new Error('of a test before'))
    for (let count = 0; count < 30; count++) {
      const connection = await connect()
      await open(connection, '/meshsub/1.1.0')
      await sleep(count)
      connection.abort(new Error('gone'))
    }
    await until('its connections are gone', async () => (await daemon.metric('roost_net_connections_count')) === 0)
    await until('nobody is admitted', async () => (await daemon.metric('roost_net_admitted_peers_count')) === 0)
  })
})
