import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type Wire } from '../env/index.ts'
import { readVisit, type Visit } from './visit.ts'

/**
 * `visit` asks to be taken in as a guest; who is at home in the cell says `welcome`, others name nodes that are nearer (`refer`). `ask` only
 * asks for nodes that are near to a key. Members of a cell tell each other of guests: `push` is to be passed on, `give` was asked for. To
 * compare, A sends a `summary`; B always answers with its `holdings` in the buckets that differ; A gives what B has not, and asks
 * for what it has not itself (`want`). `check` asks for a sign of life. `round` ties an answer to its question.
 */
export type GuestsMessage =
  | { readonly type: 'visit'; readonly round: number; readonly visit: Visit }
  | { readonly type: 'welcome'; readonly round: number }
  | { readonly type: 'ask'; readonly round: number; readonly key: number }
  | { readonly type: 'refer'; readonly round: number; readonly descriptors: readonly Descriptor[] }
  | { readonly type: 'push'; readonly visits: readonly Visit[] }
  | { readonly type: 'give'; readonly visits: readonly Visit[] }
  | {
      readonly type: 'summary'
      /** The sender's home cell: its own key, and how many bits of it the cell shares. */
      readonly key: number
      readonly depth: number
      /** A digest of 32 bits, with sign, for each bucket. */
      readonly digests: readonly number[]
      /** Unix time by the sender's clock. */
      readonly wallMs: number
    }
  | {
      readonly type: 'holdings'
      /** As the summary that it answers. */
      readonly key: number
      readonly depth: number
      readonly buckets: readonly number[]
      readonly hashes: readonly number[]
      readonly wallMs: number
    }
  | { readonly type: 'want'; readonly hashes: readonly number[] }
  | { readonly type: 'check'; readonly round: number }
  | { readonly type: 'alive'; readonly round: number }

/** Nodes in one referral. */
export const REFERRED_COUNT_MAX = 8
/** Visits in one message; what is more goes in further ones. */
export const VISIT_COUNT_MAX = 16
export const BUCKET_COUNT = 32
/** Hashes in one page of holdings, and visits given or asked for in one exchange. What does not fit waits for the next. */
export const HASH_COUNT_MAX = 1_024
export const WANT_COUNT_MAX = 128

const int32 = shape.integer(-0x8000_0000, 0x7fff_ffff)
const round = shape.integer()
const cell = { key: int32, depth: shape.integer(0, 32) }
const wallMs = shape.integer()
const visits = shape.list(readVisit, VISIT_COUNT_MAX)
const readMessage = shape.union({
  visit: shape.record({ round, visit: readVisit }),
  welcome: shape.record({ round }),
  ask: shape.record({ round, key: int32 }),
  refer: shape.record({ round, descriptors: shape.list(readDescriptor, REFERRED_COUNT_MAX) }),
  push: shape.record({ visits }),
  give: shape.record({ visits }),
  summary: shape.record({ ...cell, digests: shape.list(int32, BUCKET_COUNT), wallMs }),
  holdings: shape.record({
    ...cell,
    buckets: shape.list(shape.integer(0, BUCKET_COUNT - 1), BUCKET_COUNT),
    hashes: shape.list(int32, HASH_COUNT_MAX),
    wallMs,
  }),
  want: shape.record({ hashes: shape.list(int32, WANT_COUNT_MAX) }),
  check: shape.record({ round }),
  alive: shape.record({ round }),
})

export const guestsWire: Wire<GuestsMessage> = {
  id: '/roost/guests/1',
  messageBytesMax: VISIT_COUNT_MAX * (DESCRIPTOR_BYTES_MAX + 128) + 1_024,
  parse: (value) => readMessage(value, 'message'),
}
