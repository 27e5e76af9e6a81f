import { afterEach, describe, expect, test } from 'vitest'
import type { Libp2p, Stream } from '@libp2p/interface'
import { encode } from '../../../node/codec/index.ts'
import { createSurroundings, generateKey } from '../../../node/keys/index.ts'
import { Counters } from '../../../node/net/counters.ts'
import { encodeEnvelope, FRAME_BYTES_MAX } from '../../../node/net/envelope.ts'
import { Judge, protocolName } from '../../../node/net/judge.ts'
import { RoostError, SCORE_DEFAULTS, weightOf, type Surroundings } from '../../../overlay/index.ts'
import { noteWire, Probe, questionWire } from '../../suite/env-probe.ts'
import { MemoryLog, TestGrid, until, type TestNode } from './grid.ts'
import { dialAsMember, dialNetwork, fateOf, frame, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
const bare: Libp2p[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(bare.splice(0).map((node) => node.stop()))
})

/** Enough of what weighs as much as this to be cut off, with something to spare for what is forgiven meanwhile. */
const enoughOf = (reason: string): number => Math.ceil(SCORE_DEFAULTS.scoreMax / weightOf(reason)) + 5

async function makeRogue(): Promise<Libp2p> {
  const rogue = await makeOutsider()
  bare.push(rogue)
  return rogue
}

/** A node whose clock the test moves on. */
async function addTimed(): Promise<TestNode & { pass(ms: number): void }> {
  const key = generateKey()
  const inner = createSurroundings(key)
  let offsetMs = 0
  const surroundings: Surroundings = {
    self: inner.self,
    rng: inner.rng,
    crypto: inner.crypto,
    get nowMs() {
      return inner.nowMs + offsetMs
    },
    get wallMs() {
      return inner.wallMs
    },
  }
  const node = await grid.add({ key, surroundings })
  return { ...node, pass: (ms) => void (offsetMs += ms) }
}

function send(stream: Stream, bytes: Uint8Array, count: number): void {
  try {
    for (let sent = 0; sent < count; sent++) stream.send(bytes)
  } catch {
    // Cut off in this moment.
  }
}

const note = (body: Uint8Array, channel = noteWire.id): Uint8Array =>
  frame(encodeEnvelope({ channel, kind: 'message', id: 0, body }))

describe('a member that sends what cannot be read', () => {
  test.each([
    ['bytes that are no envelope', frame(Uint8Array.of(0xff)), 'unreadable', 'grid unreadable'],
    ['a message that is not encoded', note(Uint8Array.of(0xff)), 'unreadable', 'test-note unreadable'],
    ['a message of no known form', note(encode({ text: 7 })), 'malformed', 'test-note malformed'],
    ['a message beyond its bound', note(encode({ text: 'x'.repeat(80_000) })), 'oversized', 'test-note oversized'],
    [
      'a request of no known form',
      frame(encodeEnvelope({ channel: questionWire.id, kind: 'request', id: 1, body: encode([]) })),
      'malformed',
      'test-question malformed',
    ],
  ])('is cut off for %s', async (_, bytes, reason, words) => {
    const { network } = await grid.add()
    network.mount(noteWire, new Probe(), () => {})
    network.serve(questionWire, { answer: () => ({ text: '' }) })
    const rogue = await makeRogue()
    const stream = await (await dialAsMember(rogue, network)).newStream('/roost/grid/1')
    const fate = fateOf(stream)
    send(stream, bytes, enoughOf(reason))
    expect((await fate).ended).toBe(true)
    expect(network.cutOffs()).toMatchObject([{ peer: rogue.peerId.toString(), reason: words }])
    const counted = network.metrics()[`refused_${words.replace('-', '_').replace(' ', '_')}_messages`]
    expect(counted).toBeGreaterThanOrEqual(Math.floor(SCORE_DEFAULTS.scoreMax / weightOf(reason)))
  })

  test('is cut off for lengths that no frame has, one a stream', async () => {
    const { network } = await grid.add()
    const rogue = await makeRogue()
    const connection = await dialAsMember(rogue, network)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(FRAME_BYTES_MAX + 1)
    for (let count = enoughOf('oversized'); count > 0 && connection.status === 'open'; count--) {
      const stream = await connection.newStream('/roost/grid/1').catch(() => undefined)
      if (stream === undefined) break
      const fate = fateOf(stream)
      send(stream, header, 1)
      await fate
    }
    expect(network.cutOffs()).toMatchObject([{ reason: 'grid oversized' }])
  })

  test('is cut off for what is no HTTP', async () => {
    const { network } = await grid.add()
    network.serveHttp((_, response) => response.end())
    const rogue = await makeRogue()
    const connection = await dialAsMember(rogue, network)
    for (let count = enoughOf('unreadable'); count > 0 && connection.status === 'open'; count--) {
      const stream = await connection.newStream('/roost/http/1').catch(() => undefined)
      if (stream === undefined) break
      const fate = fateOf(stream)
      send(stream, new TextEncoder().encode('\0\0\0 nonsense\r\n\r\n'), 1)
      await fate
    }
    expect(network.cutOffs()).toMatchObject([{ reason: 'http unreadable' }])
  })

  test('is cut off for what a service finds forged', async () => {
    const { network } = await grid.add()
    const forged = (): never => {
      throw new RoostError('SIGNATURE_INVALID', 'nobody signed that')
    }
    network.serve(questionWire, { answer: forged })
    const rogue = await makeRogue()
    const stream = await (await dialAsMember(rogue, network)).newStream('/roost/grid/1')
    const fate = fateOf(stream)
    const body = encode({ text: 'let me in' })
    send(stream, frame(encodeEnvelope({ channel: questionWire.id, kind: 'request', id: 1, body })), enoughOf('forged'))
    expect((await fate).ended).toBe(true)
    expect(network.cutOffs()).toMatchObject([{ reason: 'test-question forged' }])
    expect(network.metrics()['grid_malformed_frames']).toBeUndefined()
  })

  test('has nothing against it for a protocol or version that is not spoken here', async () => {
    const { network } = await grid.add()
    const rogue = await makeRogue()
    const stream = await (await dialAsMember(rogue, network)).newStream('/roost/grid/1')
    send(stream, note(encode({ text: 'from another time' }), '/roost/sampling/9'), 1_000)
    await until('all are counted', () => network.metrics()['grid_unknown_protocol_frames'] === 1_000)
    expect(network.metrics()).toMatchObject({ scored_peers_count: 0, cut_off_peers_count: 0 })
  })
})

describe('a peer that was cut off', () => {
  const offend = (node: TestNode, peer: string): void => {
    for (let count = enoughOf('forged'); count > 0; count--)
      node.network.blame(peer, { protocol: 'sampling', reason: 'forged' })
  }

  test('is told why when it comes back, and let in once its time is over', async () => {
    const timed = await addTimed()
    const other = await grid.add()
    await other.network.connect(timed.network.self)
    await until('it is in', () => timed.network.connected().length === 1)
    offend(timed, other.network.self)
    await until('it is out', () => timed.network.connected().length === 0)
    await until('it has noticed', () => other.network.connected().length === 0)
    await expect(other.network.connect(timed.network.self)).rejects.toMatchObject({
      code: 'NOT_ADMITTED',
      message: expect.stringContaining('sampling forged'),
    })
    timed.pass(SCORE_DEFAULTS.cutOffMsMin)
    expect(timed.network.cutOffs()).toEqual([])
    await other.network.connect(timed.network.self)
    expect(other.network.connected()).toEqual([timed.network.self])
  })

  test('is not dialed', async () => {
    const timed = await addTimed()
    const other = await grid.add()
    offend(timed, other.network.self)
    await expect(timed.network.connect(other.network.self)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    timed.pass(SCORE_DEFAULTS.cutOffMsMin)
    await timed.network.connect(other.network.self)
  })

  test('gets no stream over a connection that it opens, and the others notice nothing', async () => {
    const [first, second] = await grid.addConnected(2)
    const rogue = await makeRogue()
    await dialAsMember(rogue, first!.network)
    offend(first!, rogue.peerId.toString())
    await until('it is out', () => !first!.network.connected().includes(rogue.peerId.toString()))
    const connection = await dialNetwork(rogue, first!.network)
    const stream = await connection.newStream('/roost/grid/1').catch(() => undefined)
    if (stream !== undefined) expect((await fateOf(stream, 20_000)).ended).toBe(true)
    const env = first!.network.serve(questionWire, { answer: () => ({ text: '' }) })
    second!.network.serve(questionWire, { answer: (_, { text }) => ({ text }) })
    const answer = await env.call(second!.network.self, { text: 'still here' }, { timeoutMs: 10_000 })
    expect(answer).toEqual({ text: 'still here' })
  })
})

test('what is refused is counted under a bounded number of names', () => {
  const judge = new Judge({ nowMs: () => 0, log: new MemoryLog(), counters: new Counters(), disconnect: () => {} })
  for (let index = 0; index < 1_000; index++) judge.blame('a', `protocol${index}`, 'expired')
  const names = Object.keys(judge.metrics()).filter((name) => name.startsWith('refused_'))
  expect(names.length).toBe(257)
  expect(judge.metrics()['refused_other_messages']).toBe(744)
  expect(protocolName('/roost/sampling/1')).toBe('sampling')
})
