import { afterEach, describe, expect, test } from 'vitest'
import { Versions } from '../../../node/net/versions.ts'
import { askByVersion, newestCallWire } from '../../../node/net/wording.ts'
import { RoostError, shape } from '../../../overlay/index.ts'
import type { CallWire, Env, Protocol, Wire } from '../../../overlay/index.ts'
import { TestGrid, until } from './grid.ts'
import { makeOutsider } from './outsider.ts'

/** Greetings: version 1 has a name, version 2 a name and a mood, version 9 is of another world. */
interface Greeting {
  readonly name: string
  readonly mood: string
}

const parse1 = shape.record({ name: shape.text(100) })
const parse2 = shape.record({ name: shape.text(100), mood: shape.text(100) })
const read1 = (value: unknown): Greeting => ({ ...parse1(value, 'greeting'), mood: 'unsaid' })
const read2 = (value: unknown): Greeting => parse2(value, 'greeting')
const say1 = ({ name }: Greeting) => ({ name })

function messageWire(...versions: readonly (1 | 2 | 9)[]): Wire<Greeting> {
  const [newest, ...older] = versions
  return {
    id: `/roost/test-greeting/${newest}`,
    messageBytesMax: 1_000,
    parse: newest === 1 ? read1 : read2,
    older: older.map((version) => ({ id: `/roost/test-greeting/${version}`, parse: read1, express: say1 })),
  }
}

function callWire(...versions: readonly (1 | 2 | 9)[]): CallWire<Greeting, Greeting> {
  const [newest, ...older] = versions
  const read = newest === 1 ? read1 : read2
  return {
    id: `/roost/test-asking/${newest}`,
    messageBytesMax: 1_000,
    parseRequest: read,
    parseReply: read,
    older: older.map((version) => ({
      id: `/roost/test-asking/${version}`,
      parseRequest: read1,
      parseReply: read1,
      expressRequest: say1,
      expressReply: say1,
    })),
  }
}

class Listener implements Protocol<Greeting, never, never> {
  readonly heard: Greeting[] = []
  start(): void {}
  receive(_from: string, message: Greeting): void {
    this.heard.push(message)
  }
  wake(): void {}
}

const echo = { answer: (_: string, greeting: Greeting) => greeting }
const ADA = { name: 'Ada', mood: 'merry' }
const PATIENT = { timeoutMs: 10_000 }

let grid = new TestGrid()
afterEach(async () => {
  await grid.stop()
  grid = new TestGrid()
})

describe('versions of a protocol', () => {
  test('a conversation goes on in the highest version that both speak, whoever asks', async () => {
    const [newer, older] = await grid.addConnected(2)
    const asNewer = newer!.network.serve(callWire(2, 1), echo)
    const asOlder = older!.network.serve(callWire(1), echo)
    expect(await asNewer.call(older!.network.self, ADA, PATIENT)).toEqual({ name: 'Ada', mood: 'unsaid' })
    expect(await asOlder.call(newer!.network.self, ADA, PATIENT)).toEqual({ name: 'Ada', mood: 'unsaid' })

    const third = await grid.add()
    const asThird = third.network.serve(callWire(2, 1), echo)
    expect(await asThird.call(newer!.network.self, ADA, PATIENT)).toEqual(ADA)
  })

  test('the refusal is paid once: after it the peer is asked in its own version', async () => {
    const [newer, older] = await grid.addConnected(2)
    const asNewer = newer!.network.serve(callWire(2, 1), echo)
    older!.network.serve(callWire(1), echo)
    for (let round = 0; round < 5; round++) await asNewer.call(older!.network.self, ADA, PATIENT)
    expect(older!.network.metrics()['grid_unknown_protocol_frames']).toBe(1)
  })

  test('a version that nobody here knows is refused with a sentence, at the asker and for its operator', async () => {
    const [ours, strange] = await grid.addConnected(2)
    const asOurs = ours!.network.serve(callWire(2, 1), echo)
    strange!.network.serve(callWire(9), echo)
    await expect(asOurs.call(strange!.network.self, ADA, PATIENT)).rejects.toMatchObject({
      code: 'PROTOCOL_UNKNOWN',
      certain: true,
      message: expect.stringContaining('speaks /roost/test-asking in version 9 and not in ours (versions 2 and 1)'),
      hint: expect.stringContaining('update roost on this machine'),
    })
    expect(ours!.network.misfits()).toMatchObject([
      {
        peer: strange!.network.self,
        theirs: ['/roost/test-asking/9'],
        ours: ['/roost/test-asking/2', '/roost/test-asking/1'],
      },
    ])
    expect(ours!.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'a peer speaks other versions of a protocol' }),
    )
  })

  test('messages find their version too, after a first that is lost', async () => {
    const [newer, older] = await grid.addConnected(2)
    const atNewer = new Listener()
    const atOlder = new Listener()
    const env: Env<Greeting, never, never> = newer!.network.mount(messageWire(2, 1), atNewer, () => {})
    const other = older!.network.mount(messageWire(1), atOlder, () => {})
    await until('the older one hears', () => {
      env.send(older!.network.self, ADA)
      return atOlder.heard.length > 0
    })
    expect(atOlder.heard[0]).toEqual({ name: 'Ada', mood: 'unsaid' })
    other.send(newer!.network.self, ADA)
    await until('the newer one hears', () => atNewer.heard.length > 0)
    expect(older!.network.metrics()['grid_malformed_frames'] ?? 0).toBe(0)
  })

  test('a protocol that its peer starts later is not given up', async () => {
    const [early, late] = await grid.addConnected(2)
    const env = early!.network.serve(callWire(1), echo)
    await expect(env.call(late!.network.self, ADA, PATIENT)).rejects.toMatchObject({ code: 'PROTOCOL_UNKNOWN' })
    late!.network.serve(callWire(1), echo)
    expect(await env.call(late!.network.self, ADA, PATIENT)).toMatchObject({ name: 'Ada' })
    expect(early!.network.misfits()).toEqual([])
  })

  test('a node that lets peers in by another version is PROTOCOL_UNKNOWN to who dials it', async () => {
    const { network } = await grid.add()
    const stranger = await makeOutsider()
    try {
      await stranger.handle('/roost/admission/9', () => {})
      await stranger.start()
      const peer = stranger.peerId.toString()
      network.know(peer, stranger.getMultiaddrs().map(String))
      await expect(network.connect(peer)).rejects.toMatchObject({
        code: 'PROTOCOL_UNKNOWN',
        message: expect.stringContaining('/roost/admission'),
      })
    } finally {
      await stranger.stop()
    }
  })
})

test('a peer that refuses each version in the words of the other is asked once in each, and once more', async () => {
  const versions = new Versions({ nowMs: () => 0, onMisfit: () => {} })
  const asked: string[] = []
  const { older, ...newest } = callWire(2, 1)
  const asking = askByVersion(
    { to: 'peer', request: ADA, versions: [newestCallWire(newest), ...older!], timeoutMs: 60_000 },
    { self: 'self', nowMs: () => 0, chosen: versions },
    async (id) => {
      asked.push(id.at(-1)!)
      const spoken = [id.endsWith('2') ? '/roost/test-asking/1' : '/roost/test-asking/2']
      throw new RoostError('PROTOCOL_UNKNOWN', 'not this one', { data: { spoken } })
    },
  )
  await expect(asking).rejects.toMatchObject({ code: 'PROTOCOL_UNKNOWN' })
  expect(asked).toEqual(['2', '1', '2'])
})

describe('what is remembered of versions', () => {
  const OURS = ['/roost/x/2', '/roost/x/1']
  const refusal = (spoken: unknown): RoostError => new RoostError('PROTOCOL_UNKNOWN', '', { data: { spoken } })
  const make = (nowMs = () => 0): Versions => new Versions({ nowMs, onMisfit: () => {} })

  test('a refusal of any form is survived, and believed only of the protocol that was refused', () => {
    const versions = make()
    for (const spoken of [undefined, null, 7, 'x', [7], ['/roost/y/1'], [], Array(100).fill('/roost/x/1')])
      versions.learn('peer', '/roost/x/2', refusal(spoken))
    expect(versions.choose('peer', OURS)).toBe('/roost/x/2')
    expect(versions.learn('peer', '/roost/x/2', refusal(['/roost/x/1']))).toBe(true)
    expect(versions.choose('peer', OURS)).toBe('/roost/x/1')
  })

  test('a peer that is gone is tried in the newest version again', () => {
    const versions = make()
    versions.learn('peer', '/roost/x/2', refusal(['/roost/x/1']))
    versions.forget('peer')
    expect(versions.choose('peer', OURS)).toBe('/roost/x/2')
  })

  test('a misfit is told of for a while after it was met last', () => {
    let nowMs = 0
    const versions = make(() => nowMs)
    versions.learn('peer', '/roost/x/2', refusal(['/roost/x/9']))
    expect(() => versions.choose('peer', OURS)).toThrow('version 9')
    expect(versions.misfits()).toHaveLength(1)
    nowMs = 3_600_000
    expect(versions.misfits()).toEqual([])
  })
})
