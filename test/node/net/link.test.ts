import { afterEach, describe, expect, test } from 'vitest'
import type { Libp2p, Stream } from '@libp2p/interface'
import { encode } from '../../../node/codec/index.ts'
import { FRAME_BYTES_MAX, encodeEnvelope } from '../../../node/net/envelope.ts'
import { CALLS_OPEN_MAX, WAITING_BYTES_MAX } from '../../../node/net/link.ts'
import { SCORE_DEFAULTS, weightOf, type RoostError } from '../../../overlay/index.ts'
import { Probe, noteWire, questionWire } from '../../suite/env-probe.ts'
import { TestGrid, until, wordAdmission } from './grid.ts'
import type { TestNode } from './grid.ts'
import { dialAsMember, fateOf, frame, makeOutsider } from './outsider.ts'

const grid = new TestGrid()
const bare: Libp2p[] = []
afterEach(async () => {
  await grid.stop()
  await Promise.all(bare.splice(0).map((node) => node.stop()))
})

const PATIENT = { timeoutMs: 10_000 }
const echo = { answer: (_: string, { text }: { text: string }) => ({ text }) }

async function rogue({ network }: TestNode): Promise<{ stream: Stream }> {
  const node = await makeOutsider()
  bare.push(node)
  const connection = await dialAsMember(node, network)
  return { stream: await connection.newStream('/roost/grid/1') }
}

describe('one stream a peer', () => {
  test('both may open one at the same moment: every call is answered, and one stream is left', async () => {
    for (let round = 0; round < 8; round++) {
      const [left, right] = await grid.addConnected(2)
      await until('both in', () => right!.network.connected().length + left!.network.connected().length === 2)
      const envs = [left!, right!].map(({ network }) => network.serve(questionWire, echo))
      const peers = [right!.network.self, left!.network.self]
      const calls = Array.from({ length: 50 }, (_, index) => {
        const side = index % 2
        return envs[side]!.call(peers[side]!, { text: String(index) }, PATIENT)
      })
      expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(calls.map((_, index) => String(index)))
      await grid.stop()
    }
  })

  test('nodes that dial each other at the same moment answer each other as well', async () => {
    for (let round = 0; round < 4; round++) {
      const [left, right] = [await grid.add(), await grid.add()]
      const envs = [left, right].map(({ network }) => network.serve(questionWire, echo))
      const replies = await Promise.all([
        envs[0]!.call(right.network.self, { text: 'a' }, PATIENT),
        envs[1]!.call(left.network.self, { text: 'b' }, PATIENT),
      ])
      expect(replies).toEqual([{ text: 'a' }, { text: 'b' }])
      const more = await Promise.all([
        envs[0]!.call(right.network.self, { text: 'c' }, PATIENT),
        envs[1]!.call(left.network.self, { text: 'd' }, PATIENT),
      ])
      expect(more).toEqual([{ text: 'c' }, { text: 'd' }])
      await grid.stop()
    }
  })

  test('is replaced after it broke', async () => {
    const [left, right] = await grid.addConnected(2)
    const env = left!.network.serve(questionWire, echo)
    right!.network.serve(questionWire, echo)
    await env.call(right!.network.self, { text: 'before' }, PATIENT)
    right!.network.disconnect(left!.network.self, 'test')
    await until('it broke', () => left!.network.connected().length === 0)
    expect(await env.call(right!.network.self, { text: 'after' }, PATIENT)).toEqual({ text: 'after' })
  })

  test('to a node that restarted under its name on another port, by the addresses that are known last', async () => {
    const [left, right] = await grid.addConnected(2)
    const env = left!.network.serve(questionWire, echo)
    right!.network.serve(questionWire, echo)
    await env.call(right!.network.self, { text: 'before' }, PATIENT)
    await right!.network.stop()
    await until('it is gone', () => left!.network.connected().length === 0)
    const again = await grid.add({ key: right!.key })
    again.network.serve(questionWire, echo)
    left!.network.know(again.network.self, again.network.addresses())
    expect(await env.call(again.network.self, { text: 'after' }, PATIENT)).toEqual({ text: 'after' })
  })
})

describe('bounds', () => {
  test('calls beyond what may be open are BUSY, certain, and the open ones go on', async () => {
    const [left, right] = await grid.addConnected(2)
    const env = left!.network.serve(questionWire, echo)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    right!.network.serve(questionWire, {
      answer: async (_, { text }) => {
        await held
        return { text }
      },
    })
    const calls = Array.from({ length: CALLS_OPEN_MAX + 5 }, () =>
      env.call(right!.network.self, { text: 'x' }, PATIENT).catch((thrown: RoostError) => thrown),
    )
    await until('the others to be asked', () => (right!.network.metrics()['grid_busy_answers'] ?? 0) > 0)
    release()
    const outcomes = await Promise.all(calls)
    const busy = outcomes.filter((outcome) => 'code' in outcome)
    for (const error of busy) expect(error).toMatchObject({ code: 'BUSY', certain: true })
    expect(outcomes.length - busy.length).toBe(256)
    expect(left!.network.metrics()['grid_busy_calls']).toBe(5)
  })

  test('messages to a peer that does not read pile up to the bound, then the newest are dropped', async () => {
    const host = await grid.add()
    const probe = new Probe()
    const env = host.network.mount(noteWire, probe, () => {})
    const { stream } = await rogue(host)
    const peer = host.network.connected()[0]!
    stream.send(frame(encodeEnvelope({ channel: noteWire.id, kind: 'message', id: 0, body: encode({ text: 'hi' }) })))
    await until('it is heard', () => probe.received.length === 1)
    stream.pause()
    for (let turn = 0; turn < 100; turn++) {
      for (let count = 0; count < 100; count++) env.send(peer, { text: 'x'.repeat(4_000) })
      await new Promise(setImmediate)
    }
    const metrics = host.network.metrics()
    expect(metrics['grid_waiting_bytes']).toBeLessThanOrEqual(WAITING_BYTES_MAX)
    expect(metrics['grid_dropped_messages']).toBeGreaterThan(5_000)
  })

  test('a peer that sends nonsense is counted, then disconnected; one that sends a little of it is not', async () => {
    const host = await grid.add()
    host.network.mount(noteWire, new Probe(), () => {})
    const { stream } = await rogue(host)
    const fewCount = Math.floor(SCORE_DEFAULTS.scoreMax / weightOf('unreadable') / 2)
    for (let count = 0; count < fewCount; count++) stream.send(frame(Uint8Array.of(0xff)))
    await until('they are counted', () => host.network.metrics()['grid_malformed_frames'] === fewCount)
    expect(host.network.connected().length).toBe(1)
    expect(host.network.cutOffs()).toEqual([])
    const fate = fateOf(stream)
    for (let count = 0; count <= fewCount; count++) stream.send(frame(Uint8Array.of(0xff)))
    expect((await fate).ended).toBe(true)
    await until('it is gone', () => host.network.connected().length === 0)
    expect(host.network.cutOffs()).toMatchObject([{ reason: 'grid unreadable', strikeCount: 1 }])
    expect(host.network.metrics()).toMatchObject({ grid_disconnected_peers: 1, cut_off_peers_count: 1 })
  })

  test('a frame beyond the bound ends its stream, and the node goes on', async () => {
    const host = await grid.add()
    const { stream } = await rogue(host)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(FRAME_BYTES_MAX + 1)
    const fate = fateOf(stream)
    stream.send(header)
    expect((await fate).ended).toBe(true)
    const member = await grid.add()
    await member.network.connect(host.network.self)
  })

  test('replies and errors that nobody asked for are ignored', async () => {
    const host = await grid.add()
    const probe = new Probe()
    host.network.mount(noteWire, probe, () => {})
    const { stream } = await rogue(host)
    const body = encode({ text: 'x' })
    for (const kind of ['reply', 'error'] as const)
      stream.send(frame(encodeEnvelope({ channel: noteWire.id, kind, id: 7, body })))
    stream.send(frame(encodeEnvelope({ channel: noteWire.id, kind: 'message', id: 0, body })))
    await until('what follows is heard', () => probe.received.length === 1)
  })
})

describe('oneself', () => {
  test('answers its own calls as it answers those of others', async () => {
    const { network } = await grid.add()
    const env = network.serve(questionWire, echo)
    expect(await env.call(network.self, { text: 'me' }, PATIENT)).toEqual({ text: 'me' })
    const late = { answer: () => new Promise<never>(() => {}) }
    const other = network.serve({ ...questionWire, id: '/roost/test-late/1' }, late)
    await expect(other.call(network.self, { text: 'me' }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'CALL_TIMEOUT',
      certain: false,
    })
  })
})

test('a handler that throws is logged and counted, and the next message is handled', async () => {
  const [left, right] = await grid.addConnected(2)
  const probe = new Probe()
  probe.onReceive = ({ text }) => {
    if (text === 'bad') throw new TypeError('a mistake')
  }
  right!.network.mount(noteWire, probe, () => {})
  const env = left!.network.mount(noteWire, new Probe(), () => {})
  env.send(right!.network.self, { text: 'bad' })
  env.send(right!.network.self, { text: 'good' })
  await until('both', () => probe.received.length === 2)
  expect(right!.network.metrics()['grid_handler_errors']).toBe(1)
  expect(right!.log.lines.map(({ message }) => message)).toEqual(['a handler failed'])
})

test('a protocol whose start throws is not mounted, and its id is free again', async () => {
  const { network } = await grid.add({ admission: wordAdmission('friend') })
  const broken = {
    start: () => {
      throw new Error('cannot')
    },
    receive: () => {},
    wake: () => {},
  }
  expect(() => network.mount(noteWire, broken, () => {})).toThrow('cannot')
  network.mount(noteWire, new Probe(), () => {})
})

test('what was unmounted neither asks nor answers any more, and its id is free again', async () => {
  const [left, right] = await grid.addConnected(2)
  let askedCount = 0
  const counting = {
    answer: (_: string, { text }: { text: string }) => {
      askedCount++
      return { text }
    },
  }
  const env = left!.network.serve(questionWire, echo)
  const other = right!.network.serve(questionWire, counting)
  await env.call(right!.network.self, { text: 'x' }, PATIENT)
  left!.network.unmount(questionWire.id)
  await expect(env.call(right!.network.self, { text: 'x' }, PATIENT)).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(other.call(left!.network.self, { text: 'x' }, PATIENT)).rejects.toMatchObject({
    code: 'PROTOCOL_UNKNOWN',
  })
  expect(askedCount).toBe(1)
  const again = left!.network.serve(questionWire, echo)
  expect(await again.call(right!.network.self, { text: 'y' }, PATIENT)).toEqual({ text: 'y' })
})
