import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  guestsWire,
  Live,
  applicationsWire,
  liveWire,
  membershipWire,
  parseTicket,
  questionWire,
  readDescriptor,
  replicaCallWire,
  replicaWire,
  samplingWire,
  seededRng,
  selectionWire,
  signJobRecord,
  formatTicket,
  type CallWire,
  type Plain,
  type Wire,
} from '../../overlay/index.ts'
import { readKept } from '../../overlay/discovery/kept.ts'
import { Reserve } from '../../overlay/sampling/reserve.ts'
import { jobWire } from '../../aem/protocol/index.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { dialBackWire } from '../../node/net/dial-back.ts'
import { CREDENTIALS_BYTES_MAX } from '../../node/net/admission.ts'
import { validateJobValue } from '../../node/net/directory.ts'
import {
  ERROR_BYTES_MAX,
  FRAME_BYTES_MAX,
  decodeEnvelope,
  decodeError,
  encodeEnvelope,
} from '../../node/net/envelope.ts'
import { FrameReader } from '../../node/net/frame.ts'
import { JOIN_BYTES_MAX } from '../../node/net/join.ts'
import { TUNNEL_HEAD_BYTES_MAX } from '../../node/net/tunnel.ts'
import { readAuthority } from '../../node/vo/check.ts'
import { drawPeerId } from '../../sim/engine/names.ts'
import { SimulatedCrypto } from '../../sim/engine/crypto.ts'
import { goldenProtocols } from '../golden/examples.ts'

/** Everything that reads bytes from a peer. */

export interface Target {
  /** On the command line, and the name of its corpus file. */
  readonly name: string
  /** The longest input that says anything; the reader itself refuses what is longer. */
  readonly bytesMax: number
  /** Gives a value or throws a `RoostError`; anything else is a fault. */
  read(bytes: Uint8Array): unknown
  /** Whether what was read is a message: it can be sent on, and is read as the same again. */
  readonly isMessage: boolean
  /** Whether inputs are CBOR, and worth changing as trees. */
  readonly isTree: boolean
  /** What is well formed. */
  readonly seeds: readonly Uint8Array[]
  /** Under which a grid on virtual time shows what it really sends (`Templates`). */
  readonly channel?: string
}

/** The wires of all protocols. A new one is added here, and its examples to `test/golden/examples.ts`. */
export const WIRES: readonly (Wire<any> | CallWire<any, any>)[] = [
  samplingWire,
  membershipWire,
  selectionWire,
  guestsWire,
  questionWire,
  liveWire,
  applicationsWire,
  replicaWire,
  replicaCallWire,
  jobWire,
  dialBackWire,
]

/** Protocols of ours that have no wire, and what stands for them here. */
export const PROTOCOLS_WITHOUT_WIRE: Readonly<Record<string, string>> = {
  '/roost/grid/1': 'frames, envelope, error',
  '/roost/admission/1': 'admission-1',
  '/roost/join/1': 'join-1-request, join-1-reply',
  '/roost/tunnel/1': 'tunnel-1; afterwards the bytes are not ours',
  '/roost/http/1': 'node:http reads it; test/node/daemon/wire.test.ts sends it nonsense',
  '/roost/kad/1': 'kad-dht reads it; its values are job-record',
}

const BODY_BYTES_MAX = 1_048_576
const peer = '12D3KooWJAqFFM7mT2mVnXRYmVn5eMdUTPyQvWFfBKbDfDkNJDbX'
const crypto = new SimulatedCrypto(peer, 1)

export const TARGETS: readonly Target[] = [
  ...WIRES.flatMap((wire) => {
    const name = shortName(wire.id)
    const { id, messageBytesMax } = wire
    return 'parse' in wire
      ? [{ ...ofParse(name, messageBytesMax, wire.parse), channel: id }]
      : [
          { ...ofParse(`${name}-request`, messageBytesMax, wire.parseRequest), channel: `${id} request` },
          { ...ofParse(`${name}-reply`, messageBytesMax, wire.parseReply), channel: `${id} reply` },
        ]
  }),
  ofGolden('admission-1', CREDENTIALS_BYTES_MAX),
  ofGolden('tunnel-1', TUNNEL_HEAD_BYTES_MAX),
  ofGolden('join-1-request', JOIN_BYTES_MAX),
  ofGolden('join-1-reply', JOIN_BYTES_MAX),
  ofGolden('statement-1', BODY_BYTES_MAX),
  ofGolden('job-events-1', BODY_BYTES_MAX),
  ofGolden('replica-entries-1', BODY_BYTES_MAX),
  ofGolden('unit-events-1', BODY_BYTES_MAX),
  {
    ...ofParse('descriptor', BODY_BYTES_MAX, (value) => readDescriptor(value, 'descriptor')),
    seeds: descriptorSeeds(),
  },
  { ...ofParse('kept', BODY_BYTES_MAX, readKeptWhole), seeds: [encode(keptExample())] },
  jobRecord(),
  liveAnswer(),
  {
    name: 'envelope',
    bytesMax: FRAME_BYTES_MAX,
    read: decodeEnvelope,
    isMessage: false,
    isTree: true,
    seeds: [encodeEnvelope({ channel: '/roost/live/1', kind: 'request', id: 7, body: Uint8Array.of(0xa0) })],
  },
  {
    name: 'error',
    bytesMax: ERROR_BYTES_MAX,
    read: decodeError,
    isMessage: false,
    isTree: true,
    seeds: [encode({ code: 'BUSY', message: 'later', hint: 'wait', certain: true, data: { countMax: 3 }, line: 1 })],
  },
  {
    name: 'frames',
    bytesMax: FRAME_BYTES_MAX,
    read: readFrames,
    isMessage: false,
    isTree: false,
    seeds: [Uint8Array.of(0, 0, 0, 1, 0xf6, 0, 0, 0, 2, 0x81, 0xf6)],
  },
  {
    name: 'ticket',
    bytesMax: 4_096,
    read: (bytes) => parseTicket(Buffer.from(bytes).toString('latin1')),
    isMessage: false,
    isTree: false,
    seeds: [Buffer.from(ticketExample())],
  },
  {
    name: 'certificate',
    bytesMax: CREDENTIALS_BYTES_MAX,
    read: (bytes) => void readAuthority(bytes, 1_795_000_000_000),
    isMessage: false,
    isTree: false,
    seeds: [],
  },
]

export function targetNamed(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name)
}

function shortName(wireId: string): string {
  return wireId.split('/').slice(-2).join('-')
}

function ofParse(name: string, bytesMax: number, parse: (value: unknown) => unknown): Target {
  const read = (bytes: Uint8Array): unknown => parse(decode(bytes, { bytesMax }))
  return { name, bytesMax, read, isMessage: true, isTree: true, seeds: goldenSeeds(name) }
}

function ofGolden(name: string, bytesMax: number): Target {
  const golden = goldenProtocols.find((protocol) => protocol.name === name)
  if (golden === undefined) throw new Error(`test/golden/examples.ts has no ${name}`)
  return ofParse(name, bytesMax, golden.parse)
}

/** What is sent today, and what was ever released. */
function goldenSeeds(name: string): Uint8Array[] {
  const golden = goldenProtocols.find((protocol) => protocol.name === name)
  if (golden === undefined) return []
  const path = join(import.meta.dirname, '../golden', `${name}.tsv`)
  const stored = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[1]!)
  const today = Object.values(golden.examples).map((example) => Buffer.from(encode(example as Plain)).toString('hex'))
  return [...new Set([...stored, ...today])].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
}

function descriptorSeeds(): Uint8Array[] {
  const { descriptors } = goldenProtocols.find(({ name }) => name === 'sampling-1')!.examples['shuffle'] as {
    descriptors: Plain[]
  }
  return descriptors.map((descriptor) => encode(descriptor))
}

function keptExample(): Plain {
  return { sequence: 7, reserve: [{ peer, addresses: ['/ip4/192.0.2.1/tcp/4510'] }] }
}

/** As a daemon takes it back at its start. */
function readKeptWhole(value: unknown): unknown {
  const kept = readKept(value)
  const reserve = new Reserve({ countMax: 200 })
  reserve.restore(kept.reserve)
  return { ...kept, reserve: reserve.snapshot() }
}

/** A value in the DHT, under the key of the first seed's job. */
function jobRecord(): Target {
  const record = {
    jobId: 'ay3q9f1rhsqynccjvqhwxt5wbg',
    controllers: [peer],
    epoch: 2,
    sequence: 1_795_000_000_000,
    owner: peer,
    vo: '0123456789abcdef'.repeat(4),
  }
  const key = new TextEncoder().encode(`/roost-job/${record.jobId}`)
  return {
    name: 'job-record',
    bytesMax: 4_096,
    read: (bytes) => validateJobValue(key, bytes, { crypto, vo: record.vo }),
    isMessage: false,
    isTree: true,
    seeds: [encode(signJobRecord(record, crypto) as unknown as Plain)],
  }
}

/** A question that is answered: its expressions are the only program that a peer may run here. */
function liveAnswer(): Target {
  const attributes = { Cores: 8, Os: 'LINUX', Software: ['python3', 'gcc/12.2'], Memory: 2 ** 34, gpu: true }
  const surroundings = { self: peer, nowMs: 0, wallMs: 1_795_000_000_000, rng: seededRng(1), crypto }
  const live = new Live({ surroundings, measure: () => ({ static: attributes, dynamic: { Load: 0.5 } }) })
  const questions = [
    { where: 'Cores >= 8 && Memory > 1GiB', rank: 'Cores * 2 - Load' },
    { where: 'member("python3", Software) || regexp("^L.*X$", Os, "i")' },
    { where: 'ifThenElse(isUndefined(x), strcat(Os, string(Cores)) == "LINUX8", false)', rank: 'size(Software)' },
    { where: 'stringListMember("a", "a,b") && substr(Os, 1, 2) =?= "IN"', rank: 'pow(Cores, 2) % 7 ?: 1' },
    { where: '{1, 2, {3}}[2][0] == 3 && [a = 1; b = a + 1].b == 2' },
  ]
  return {
    name: 'live-answer',
    bytesMax: liveWire.messageBytesMax,
    read: (bytes) =>
      liveWire.parseReply(
        live.answer(peer, liveWire.parseRequest(decode(bytes, { bytesMax: liveWire.messageBytesMax }))),
      ),
    isMessage: false,
    isTree: true,
    seeds: questions.map((question) => encode(question)),
  }
}

/** Whole, and again byte by byte: a frame is the same however it was split on the way. */
function readFrames(bytes: Uint8Array): unknown {
  const whole = framesOf(bytes, Math.max(1, bytes.length))
  const split = framesOf(bytes, bytes.length > 1_000 ? 97 : 1)
  if (whole.toString() !== split.toString()) throw new Error('frames depend on how they were split')
  return whole.length
}

function framesOf(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  const frames: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += pieceBytes)
    reader.push(bytes.subarray(start, start + pieceBytes), (frame) => frames.push(frame.slice()))
  return frames
}

function ticketExample(): string {
  const id = drawPeerId(seededRng(5))
  return formatTicket({
    name: 'home',
    fingerprint: '0123456789abcdef'.repeat(4),
    secret: new Uint8Array(16),
    expiresAtMs: 1_795_000_000_000,
    addresses: [`/ip4/192.0.2.1/tcp/4510/p2p/${id}`],
  })
}
