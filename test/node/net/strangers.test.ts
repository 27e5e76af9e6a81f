import type { Libp2p, Stream } from '@libp2p/interface'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Counters } from '../../../node/net/counters.ts'
import { Gate } from '../../../node/net/gate.ts'
import { STRANGERS_COUNT_MAX, Strangers } from '../../../node/net/strangers.ts'
import { Versions } from '../../../node/net/versions.ts'
import { MemoryLog, until, wordAdmission } from './grid.ts'
import { makeOutsider } from './outsider.ts'

/** Streams of somebody whom nobody has admitted, to a protocol that strangers may use. */

const PROTOCOL = '/test/1'
const counters = new Counters()
const passed: Stream[] = []
let relay: Libp2p
let stranger: Libp2p

beforeAll(async () => {
  ;[relay, stranger] = [await makeOutsider(), await makeOutsider()]
  const log = new MemoryLog()
  const gate = new Gate({
    log,
    counters,
    admission: wordAdmission('friend'),
    versions: new Versions({ nowMs: () => 0, onMisfit: () => {} }),
  })
  await gate.attach(relay)
  const strangers = new Strangers(gate, counters)
  await relay.handle(
    PROTOCOL,
    strangers.handler((stream) => void passed.push(stream)),
    { maxInboundStreams: 2 * STRANGERS_COUNT_MAX },
  )
})
afterAll(() => Promise.all([relay.stop(), stranger.stop()]))

async function open(): Promise<Stream> {
  return await stranger.dialProtocol(relay.getMultiaddrs(), PROTOCOL, { maxOutboundStreams: 2 * STRANGERS_COUNT_MAX })
}

test('so many pass at once, and others when they are gone', async () => {
  const streams = await Promise.all(Array.from({ length: STRANGERS_COUNT_MAX }, open))
  await until('they are in', () => passed.length === STRANGERS_COUNT_MAX)
  const refused = await open()
  await until('it is refused', () => refused.status !== 'open')
  expect(passed.length).toBe(STRANGERS_COUNT_MAX)
  expect(counters.get('gate_refused_streams')).toBe(1)
  for (const stream of streams) stream.abort(new Error('enough'))
  await until('they are gone', () => passed.every(({ status }) => status !== 'open'))
  await open()
  await until('one more is in', () => passed.length === STRANGERS_COUNT_MAX + 1)
  expect(counters.get('relay_strangers')).toBe(STRANGERS_COUNT_MAX + 1)
})

test('who sends more than joining takes is ended', async () => {
  const stream = await open()
  await until('it is in', () => passed.at(-1)!.status === 'open')
  let receivedBytes = 0
  passed.at(-1)!.addEventListener('message', ({ data }) => (receivedBytes += data.byteLength))
  for (let count = 0; count < 20 && stream.status === 'open'; count++) stream.send(new Uint8Array(16_384))
  await until('it is ended', () => stream.status !== 'open')
  expect(receivedBytes).toBeLessThanOrEqual(2 * 131_072)
})
