import { setTimeout as sleep } from 'node:timers/promises'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import type { Admission } from '../../../node/net/index.ts'
import { encode } from '../../../node/codec/index.ts'
import { encodeEnvelope } from '../../../node/net/envelope.ts'
import { UNADMITTED_COUNT_MAX, UNADMITTED_MS } from '../../../node/net/gate.ts'
import { RoostError } from '../../../overlay/index.ts'
import type { Plain } from '../../../overlay/index.ts'
import { questionWire } from '../../suite/env-probe.ts'
import { TestGrid, introduce, until, wordAdmission } from './grid.ts'
import type { TestNode } from './grid.ts'
import { dialNetwork, fateOf, frame, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
const outsiders: Libp2p[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(outsiders.splice(0).map((outsider) => outsider.stop()))
})

async function outsider(): Promise<Libp2p> {
  const made = await makeOutsider()
  outsiders.push(made)
  return made
}

const CLOSED = ['/roost/grid/1', '/roost/http/1', '/roost/kad/1', '/meshsub/1.1.0', '/meshsub/1.2.0']

describe('an outsider', () => {
  test.each(CLOSED)('has its streams for %s aborted, unanswered', async (protocol) => {
    const { network } = await grid.add()
    const connection = await dialNetwork(await outsider(), network)
    const admission = await connection.newStream('/roost/admission/1')
    admission.send(frame(encode([true, { word: 'foe' }])))
    await until('a refusal', () => network.metrics()['gate_refused_connections'] === 1)
    const stream = await connection.newStream(protocol).catch(() => undefined)
    // Where even the protocol could not be agreed on, there is nothing to look at: the node does not speak it at all.
    if (stream === undefined) return
    const fate = fateOf(stream)
    if (stream.status === 'open') stream.send(new TextEncoder().encode('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
    expect(await fate).toEqual({ ended: true, received: 0 })
    expect(connection.status).toBe('open')
    expect(network.metrics()['gate_refused_streams']).toBe(1)
  })

  test('that says nothing is disconnected in time', async () => {
    const { network } = await grid.add()
    const connection = await dialNetwork(await outsider(), network)
    const startedMs = performance.now()
    while (connection.status === 'open' && performance.now() - startedMs < 2 * UNADMITTED_MS) await sleep(100)
    expect(connection.status).not.toBe('open')
    expect(performance.now() - startedMs).toBeGreaterThan(UNADMITTED_MS - 100)
  })

  test('reaches no service and no state machine, whatever it writes', async () => {
    const { network } = await grid.add()
    let askedCount = 0
    network.serve(questionWire, {
      answer: (_, { text }) => {
        askedCount++
        return { text }
      },
    })
    network.serveHttp((_request, response) => {
      askedCount++
      response.end('secret')
    })
    const connection = await dialNetwork(await outsider(), network)
    const body = encode({ text: 'let me in' })
    const request = encodeEnvelope({ channel: questionWire.id, kind: 'request', id: 1, body })
    const stream = await connection.newStream('/roost/grid/1')
    stream.send(frame(request))
    const http = await connection.newStream('/roost/http/1')
    http.send(new TextEncoder().encode('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
    await sleep(300)
    expect(askedCount).toBe(0)
    // A refusal settles the matter: what waited is aborted.
    const admission = await connection.newStream('/roost/admission/1')
    admission.send(frame(encode([true, { word: 'foe' }])))
    const fates = await Promise.all([fateOf(stream), fateOf(http)])
    expect(fates).toEqual([
      { ended: true, received: 0 },
      { ended: true, received: 0 },
    ])
    expect(askedCount).toBe(0)
    expect(network.connected()).toEqual([])
    expect(network.metrics()['gate_refused_streams']).toBe(2)
  })

  test('is not spoken to by our own services: no stream of kad-dht or gossipsub is opened towards it', async () => {
    const { network } = await grid.add()
    const stranger = await outsider()
    const opened: string[] = []
    for (const protocol of CLOSED) await stranger.handle(protocol, () => void opened.push(protocol))
    await dialNetwork(stranger, network)
    await sleep(1_500)
    expect(opened).toEqual([])
    expect(network.metrics()['dht_table_peers_count']).toBe(0)
  })

  test('is answered by identify and ping, and by the join protocol', async () => {
    const joined: unknown[] = []
    const { network } = await grid.add({
      admission: {
        ...wordAdmission('friend'),
        join: (_peer, request) => {
          joined.push(request)
          return { welcome: true }
        },
      },
    })
    const connection = await dialNetwork(await outsider(), network)
    const ping = await connection.newStream('/ipfs/ping/1.0.0')
    ping.send(new Uint8Array(32))
    expect((await fateOf(ping, 500)).received).toBe(32)
    const join = await connection.newStream('/roost/join/1')
    join.send(frame(encode([true, { ticket: 't' }])))
    expect((await fateOf(join, 2_000)).received).toBeGreaterThan(0)
    expect(joined).toEqual([{ ticket: 't' }])
  })

  test('that floods a node with connections finds only so many kept, and members get in once it is over', async () => {
    const member = await grid.add()
    const crowd = await Promise.all(Array.from({ length: 16 }, outsider))
    const address = multiaddr(member.network.addresses()[0]!)
    const overflows = (): boolean => (member.network.metrics()['gate_overflow_connections'] ?? 0) > 0
    // Connections are dropped for their age too: on a slow machine it takes more of them until there are too many at once.
    await Promise.all(
      crowd.map(async (one) => {
        // `force` opens a connection of its own each time.
        for (let count = 0; count < 30 && !overflows(); count++)
          await one.dial(address, { force: true }).catch(() => {})
      }),
    )
    const metrics = member.network.metrics()
    expect(metrics['unadmitted_connections_count']).toBeLessThanOrEqual(UNADMITTED_COUNT_MAX)
    expect(metrics['gate_overflow_connections']).toBeGreaterThan(0)
    // While the crowd is still there: full is full, also for members, but it does not last.
    await Promise.all(crowd.map((one) => one.stop()))
    const friend = await grid.add()
    await until('a member gets in', () =>
      friend.network.connect(member.network.self).then(
        () => true,
        () => false,
      ),
    )
  })
})

describe('a member', () => {
  test('is admitted on both sides by one connection, and can be called at once from either', async () => {
    const [left, right] = await grid.addConnected(2)
    const answer = { answer: (_: string, { text }: { text: string }) => ({ text: `re ${text}` }) }
    const [ask, askBack] = [left!, right!].map(({ network }) => network.serve(questionWire, answer))
    const calls = [
      ask!.call(right!.network.self, { text: 'a' }, { timeoutMs: 5_000 }),
      askBack!.call(left!.network.self, { text: 'b' }, { timeoutMs: 5_000 }),
    ]
    expect(await Promise.all(calls)).toEqual([{ text: 're a' }, { text: 're b' }])
    expect(left!.network.metrics()['connections_count']).toBe(1)
    expect(left!.network.connected()).toEqual([right!.network.self])
  })

  test('with the wrong credentials is told which error, and so is one without any', async () => {
    const host = await grid.add()
    const foe = await grid.add({ admission: wordAdmission('foe') })
    const nobody = await grid.add({ admission: wordAdmission(undefined) })
    await expect(foe.network.connect(host.network.self)).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' })
    await expect(nobody.network.connect(host.network.self)).rejects.toMatchObject({ code: 'NOT_ADMITTED' })
    expect(host.network.connected()).toEqual([])
  })

  test('that checks us and finds us wanting refuses us, and neither counts as admitted', async () => {
    const host = await grid.add()
    const strict: Admission = {
      ...wordAdmission('friend'),
      check: () => {
        throw new RoostError('CREDENTIAL_EXPIRED', 'yours is old')
      },
    }
    const picky = await grid.add({ admission: strict })
    await expect(picky.network.connect(host.network.self)).rejects.toMatchObject({ code: 'CREDENTIAL_EXPIRED' })
    await expect(host.network.connect(picky.network.self)).rejects.toMatchObject({ code: 'CREDENTIAL_EXPIRED' })
    await until('no connections', () => host.network.metrics()['admitted_peers_count'] === 0)
  })

  test('is cut off when its credentials run out', async () => {
    const untilMs = Date.now() + 1_500
    const host = await grid.add({ admission: wordAdmission('friend', { untilMs: () => untilMs }) })
    const guest = await grid.add()
    await guest.network.connect(host.network.self)
    await until('admission', () => host.network.connected().includes(guest.network.self))
    await until('the end', () => guest.network.connected().length === 0)
    expect(Date.now()).toBeGreaterThanOrEqual(untilMs)
    expect(host.network.metrics()['gate_expired_connections']).toBe(1)
    await expect(guest.network.connect(host.network.self)).rejects.toMatchObject({ code: 'CREDENTIAL_EXPIRED' })
  })

  test('tells of a peer whose last connection has closed, once', async () => {
    const [host, guest] = [await grid.add(), await grid.add()]
    const lost: string[] = []
    host.network.onLost((peer) => lost.push(peer))
    await guest.network.connect(host.network.self)
    await until('both admitted', () => host.network.connected().length === 1)
    expect(lost).toEqual([])
    await guest.network.stop()
    await until('the loss is told', () => lost.length > 0)
    expect(lost).toEqual([guest.network.self])
  })

  test('is announced once, and again after it was gone', async () => {
    const host = await grid.add()
    const seen: string[] = []
    const stop = host.network.onAdmitted((peer) => seen.push(peer))
    const guest = await grid.add()
    await guest.network.connect(host.network.self)
    await guest.network.connect(host.network.self)
    await until('the first', () => seen.length === 1)
    host.network.disconnect(guest.network.self, 'test')
    await until('gone', () => guest.network.connected().length === 0)
    await guest.network.connect(host.network.self)
    await until('the second', () => seen.length === 2)
    stop()
    expect(seen).toEqual([guest.network.self, guest.network.self])
  })
})

describe('joining', () => {
  test('asks by the first address that answers, and gives the reply and who gave it', async () => {
    const host = await hostThatAnswers((request) => ({ got: request as string }))
    const guest = await grid.add({ admission: wordAdmission(undefined) })
    const addresses = ['/ip4/127.0.0.1/tcp/1', ...host.network.addresses()]
    const { peer, reply } = await guest.network.requestJoin(addresses, 'ticket')
    expect(peer).toBe(host.network.self)
    expect(reply).toEqual({ got: 'ticket' })
    expect(host.network.connected()).toEqual([])
  })

  test('passes on the error of the other side', async () => {
    const host = await hostThatAnswers(() => {
      throw new RoostError('TICKET_USED', 'that one is spent')
    })
    const guest = await grid.add({ admission: wordAdmission(undefined) })
    await expect(guest.network.requestJoin(host.network.addresses(), 'x')).rejects.toMatchObject({
      code: 'TICKET_USED',
      message: 'that one is spent',
    })
  })

  test('with a mistake of the host is INTERNAL, and its words stay at the host', async () => {
    const host = await hostThatAnswers(() => {
      throw new TypeError('secret /etc/path')
    })
    const guest = await grid.add({ admission: wordAdmission(undefined) })
    const failed = await guest.network.requestJoin(host.network.addresses(), 'x').catch((thrown: unknown) => thrown)
    expect(failed).toMatchObject({ code: 'INTERNAL' })
    expect(String(failed)).not.toContain('secret')
  })

  test('at an address of another node than it names is PEER_UNREACHABLE', async () => {
    const host = await hostThatAnswers(() => 'welcome')
    const other = await grid.add()
    const guest = await grid.add({ admission: wordAdmission(undefined) })
    const address = host.network.addresses()[0]!.replace(host.network.self, other.network.self)
    await expect(guest.network.requestJoin([address], 'x')).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
  })

  test('can be done with credentials that were refused', async () => {
    const host = await hostThatAnswers(() => 'welcome back')
    const guest = await grid.add({ admission: wordAdmission('foe') })
    for (let attempt = 0; attempt < 5; attempt++) {
      const { reply } = await guest.network.requestJoin(host.network.addresses(), 'x')
      expect(reply).toBe('welcome back')
    }
  })

  test('works for a node that then has credentials, over the same network', async () => {
    let word: string | undefined
    const host = await hostThatAnswers(() => 'friend')
    const guest = await grid.add({
      admission: { ...wordAdmission('friend'), present: () => (word === undefined ? undefined : { word }) },
    })
    word = (await guest.network.requestJoin(host.network.addresses(), 'x')).reply as string
    introduce(guest.network, host.network)
    await guest.network.connect(host.network.self)
    await until('admitted', () => host.network.connected().includes(guest.network.self))
  })

  async function hostThatAnswers(join: (request: unknown) => Plain): Promise<TestNode> {
    return await grid.add({ admission: { ...wordAdmission('friend'), join: (_peer, request) => join(request) } })
  }
})
