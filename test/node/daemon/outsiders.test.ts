import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { generateKey, loadKey, rawPrivateKey } from '../../../node/keys/index.ts'
import { Authority, foundAuthority } from '../../../node/vo/authority.ts'
import { readAuthority } from '../../../node/vo/check.ts'
import { UNADMITTED_MS } from '../../../node/net/gate.ts'
import { Exchange } from '../../../node/net/exchange.ts'
import { CERTIFICATE_MS } from '../../../overlay/index.ts'
import { DaemonClient } from '../../support/daemon.ts'
import { Machine, until } from '../../support/machine.ts'
import { fateOf, frame, makeOutsider } from '../net/outsider.ts'

/** What a real daemon tells and does for those who are not of its grid: to let them join, and nothing else. */

let machine: Machine
let other: Machine
let daemon: DaemonClient
let address: string
let pid: number
const outsiders: Libp2p[] = []

beforeAll(async () => {
  machine = new Machine()
  other = new Machine()
  await Promise.all([machine.up(), other.up()])
  daemon = new DaemonClient(machine)
  const status = await daemon.status()
  address = status.addresses[0]
  pid = status.pid
})
afterEach(async () => {
  await Promise.all(outsiders.splice(0).map((outsider) => outsider.stop()))
  expect((await daemon.status()).pid).toBe(pid)
})
afterAll(() => Promise.all([machine.end(), other.end()]))

async function dial(key?: Uint8Array): Promise<{ outsider: Libp2p; connection: Connection }> {
  const outsider = await makeOutsider(key && privateKeyFromRaw(key))
  outsiders.push(outsider)
  return { outsider, connection: await outsider.dial(multiaddr(address)) }
}

/** Everything that the daemon says it speaks. */
async function protocolsOf(outsider: Libp2p): Promise<string[]> {
  const id = multiaddr(address)
    .getComponents()
    .find(({ name }) => name === 'p2p')!.value!
  let protocols: string[] = []
  await until('identify told the protocols', async () => {
    const known = (await outsider.peerStore.all()).find((peer) => peer.id.toString() === id)
    protocols = known?.protocols ?? []
    return protocols.length > 0
  })
  return protocols.toSorted()
}

/** What the daemon says to these credentials, shown by who holds this key. */
async function refusalOf(certificate: Uint8Array, key?: Uint8Array): Promise<unknown> {
  const { connection } = await dial(key)
  const exchange = new Exchange(await connection.newStream('/roost/admission/1'), {
    messageBytesMax: 32_768,
    timeoutMs: 10_000,
  })
  exchange.write({ certificates: [certificate] })
  return await exchange.read().then(
    () => 'admitted',
    (error: { code: string }) => error.code,
  )
}

/** Open to anybody, and why: see node/net/gate.ts; how a relay serves strangers: node/net/strangers.ts. */
const OPEN = [
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
  '/libp2p/circuit/relay/0.2.0/hop',
  '/roost/admission/1',
  '/roost/join/1',
]

describe('an outsider', () => {
  test('finds just the protocols that are known here to be open or closed', async () => {
    const { outsider } = await dial()
    const closed = (await protocolsOf(outsider)).filter((protocol) => !OPEN.includes(protocol))
    expect(closed).toEqual(
      [
        '/floodsub/1.0.0',
        '/libp2p/circuit/relay/0.2.0/stop',
        '/meshsub/1.0.0',
        '/meshsub/1.1.0',
        '/meshsub/1.2.0',
        '/roost/grid/1',
        '/roost/http/1',
        '/roost/kad/1',
        '/roost/tunnel/1',
      ].filter((protocol) => closed.includes(protocol)),
    )
    expect(closed).toEqual(
      expect.arrayContaining(['/meshsub/1.1.0', '/roost/grid/1', '/roost/http/1', '/roost/kad/1', '/roost/tunnel/1']),
    )
  })

  test('gets not one byte on any closed protocol, whatever it sends, and the daemon goes on', async () => {
    const { outsider } = await dial()
    const closed = (await protocolsOf(outsider)).filter((protocol) => !OPEN.includes(protocol))
    const fates = closed.map(async (protocol) => {
      const { connection } = await dial()
      const stream = await connection.newStream(protocol).catch(() => undefined)
      if (stream === undefined) return 0
      const fate = fateOf(stream, 2 * UNADMITTED_MS)
      for (const bytes of [
        new TextEncoder().encode('GET /status HTTP/1.1\r\nhost: x\r\n\r\n'),
        frame(encode({ type: 'hello' })),
        Uint8Array.of(4, 8, 4, 16, 1),
      ])
        if (stream.status === 'open') stream.send(bytes)
      return (await fate).received
    })
    expect(await Promise.all(fates)).toEqual(closed.map(() => 0))
  })

  test('is not in the tables of kad-dht and gossipsub, and is asked nothing by them', async () => {
    const before = await daemon.metric('roost_net_dht_table_peers_count')
    const { outsider, connection } = await dial()
    const asked: string[] = []
    for (const protocol of ['/roost/kad/1', '/meshsub/1.1.0', '/meshsub/1.2.0', '/roost/grid/1', '/roost/http/1'])
      await outsider.handle(protocol, (stream) => {
        asked.push(protocol)
        stream.abort(new Error('seen'))
      })
    const pushed = await connection.newStream('/ipfs/id/push/1.0.0').catch(() => undefined)
    pushed?.abort(new Error('enough'))
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(asked).toEqual([])
    expect(await daemon.metric('roost_net_dht_table_peers_count')).toBe(before)
    expect(await daemon.metric('roost_net_admitted_peers_count')).toBe(0)
    expect(await daemon.names('alive')).toHaveLength(1)
  })

  test('that sends random bytes to what is open is refused, and nothing is left of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...OPEN),
        fc.array(fc.uint8Array({ maxLength: 2_000 }), { minLength: 1, maxLength: 4 }),
        async (protocol, pieces) => {
          const { connection } = await dial()
          const stream = await connection.newStream(protocol).catch(() => undefined)
          for (const piece of pieces) if (stream?.status === 'open') stream.send(piece)
          connection.abort(new Error('gone'))
          expect(await daemon.isUp()).toBe(true)
        },
      ),
      { numRuns: Number(process.env['ROOST_TEST_RUNS'] ?? 20) },
    )
    await until(
      'its connections are gone',
      async () => (await daemon.metric('roost_net_unadmitted_connections_count')) === 0,
    )
  })

  test('is told by the join protocol what is wrong, whatever it asks', async () => {
    for (const asked of [
      null,
      {},
      [],
      'x',
      { type: 'redeem' },
      { type: 'renew', fingerprint: 'x' },
      { type: 'other' },
    ]) {
      const { connection } = await dial()
      const exchange = new Exchange(await connection.newStream('/roost/join/1'), {
        messageBytesMax: 65_536,
        timeoutMs: 10_000,
      })
      exchange.write(asked as never)
      await expect(exchange.read()).rejects.toMatchObject({ code: expect.stringMatching(/^(MESSAGE_MALFORMED|BUSY)$/) })
    }
  })
})

describe('a certificate', () => {
  const own = (of: Machine, name = 'node.crt'): Uint8Array =>
    Uint8Array.from(readFileSync(join(of.dataDir, 'vo', name)))

  test('copied from a member is CREDENTIAL_INVALID in the hands of another key', async () => {
    expect(await refusalOf(own(machine))).toBe('CREDENTIAL_INVALID')
  })

  test('of another grid is CREDENTIAL_INVALID, its key its own', async () => {
    const key = (await loadKey(join(other.dataDir, 'node.key')))!
    expect(await refusalOf(own(other), rawPrivateKey(key))).toBe('CREDENTIAL_INVALID')
  })

  test('of the authority itself, or of a member, is CREDENTIAL_INVALID', async () => {
    expect(await refusalOf(own(machine, 'authority.crt'))).toBe('CREDENTIAL_INVALID')
    const authorityKey = (await loadKey(join(machine.dataDir, 'vo', 'authority.key')))!
    expect(await refusalOf(own(machine, 'authority.crt'), rawPrivateKey(authorityKey))).toBe('CREDENTIAL_INVALID')
  })

  test('that has expired is CREDENTIAL_EXPIRED, one of the future CREDENTIAL_INVALID, and one of now is admitted', async () => {
    const authorityKey = (await loadKey(join(machine.dataDir, 'vo', 'authority.key')))!
    const authority = new Authority(authorityKey, readAuthority(own(machine, 'authority.crt'), Date.now()))
    const key = generateKey()
    const at = (wallMs: number): Promise<Uint8Array> =>
      authority.issue({ role: 'node', publicKey: key.publicKey }, { wallMs })
    const dayMs = 86_400_000
    const raw = rawPrivateKey(key)
    expect(await refusalOf(await at(Date.now() - CERTIFICATE_MS - dayMs), raw)).toBe('CREDENTIAL_EXPIRED')
    expect(await refusalOf(await at(Date.now() + dayMs), raw)).toBe('CREDENTIAL_INVALID')
    expect(await refusalOf(await at(Date.now()), raw)).toBe('admitted')
  })

  test('by an authority that somebody made with the same name is CREDENTIAL_INVALID', async () => {
    const { grid } = await daemon.status()
    const authority = await foundAuthority(generateKey(), { name: grid.name, wallMs: Date.now() })
    const key = generateKey()
    const forged = await authority.issue({ role: 'node', publicKey: key.publicKey }, { wallMs: Date.now() })
    expect(await refusalOf(forged, rawPrivateKey(key))).toBe('CREDENTIAL_INVALID')
  })

  test('that is no certificate is refused', async () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(100),
      new TextEncoder().encode('-----BEGIN CERTIFICATE-----'),
    ])
      expect(await refusalOf(bytes)).toMatch(/^(CREDENTIAL_INVALID|MESSAGE_MALFORMED)$/)
  })
})
