import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type PeerId, type Wire } from '../env/index.ts'
import {
  GROUPING_COUNT_MAX,
  readLayout,
  readPopularity,
  type Layout,
  type PopularitySummary,
} from '../placement/index.ts'

/** A node is gone, as of this word of its own. */
export interface Claim {
  readonly peer: PeerId
  readonly sequence: number
}

/** Which cell is spoken of: a grouping of a layout, by its number from 1, or the home cells: number 0 of layout 0. */
export interface CellName {
  /** `layoutId` of the layout. */
  readonly layout: number
  readonly grouping: number
}

/** What is told in a cell. */
export type News = CellName & { readonly descriptors: readonly Descriptor[]; readonly gone: readonly Claim[] }

/** Who of its cell is to hear of news from whoever is told: those who share so many leading bits of their places with it. */
export const EVERYONE = 0
export const NOBODY = 32

/**
 * `push` brings news, to be passed on to those `within` so many bits; `give` brings what was asked for or may help. The others level what two nodes hold, in turns: A sends a
 * `summary` of its cell; B, where it differs, its `holdings` in the buckets that differ; A gives what B has not, and asks for what it
 * has not itself (`want`). `seek` finds the cell of a key: who is not in it gives nearer nodes, who is says `found`. `forward` goes
 * from contact to contact to a member of the cell of a key, with news of a node for those who know it.
 */
export type SelectionMessage =
  | (News & { readonly type: 'push'; readonly within: number })
  | (News & { readonly type: 'give' })
  | (CellName & {
      readonly type: 'summary'
      /** The newest layout that the sender goes by; 0 and 0 where there is none. */
      readonly epoch: number
      readonly newest: number
      /** The sender's own key, and how many bits of it its cell shares. */
      readonly key: number
      readonly depth: number
      /** Half of the cell would be too small to stand alone: those who are in a finer one should come back. */
      readonly isWhole?: boolean | undefined
      /** A digest of 32 bits, with sign, for each bucket. */
      readonly digests: readonly number[]
      /** For whoever is outside of the cell. */
      readonly own?: Descriptor | undefined
      /** What people ask for, as far as the sender heard of it. */
      readonly asked?: PopularitySummary | undefined
    })
  | (CellName & {
      readonly type: 'holdings'
      readonly key: number
      readonly depth: number
      readonly buckets: readonly number[]
      readonly hashes: readonly number[]
    })
  | (CellName & { readonly type: 'want'; readonly hashes: readonly number[] })
  | (CellName & {
      readonly type: 'contacts'
      readonly descriptors: readonly Descriptor[]
      /** Cycles since each was last known to live. */
      readonly ages: readonly number[]
    })
  | (CellName & {
      readonly type: 'seek'
      readonly epoch: number
      readonly newest: number
      readonly key: number
      readonly own: Descriptor
    })
  | (CellName & { readonly type: 'found'; readonly depth: number })
  | (CellName & {
      readonly type: 'forward'
      readonly what: 'gone' | 'doubt'
      readonly key: number
      readonly claim: Claim
      readonly hopsLeft: number
    })
  | { readonly type: 'layout'; readonly layout: Layout }

export const BUCKET_COUNT = 32
/** Descriptors in one message, and claims; what is more goes in further ones. */
export const DESCRIPTOR_COUNT_MAX = 16
export const CLAIM_COUNT_MAX = 64
/** Hashes in one page of holdings, and descriptors asked for at once. What does not fit waits for the next exchange. */
export const HASH_COUNT_MAX = 1_024
export const WANT_COUNT_MAX = 512
/** Steps from contact to contact; each settles four bits of a key. */
export const HOP_COUNT_MAX = 12
export const CONTACT_AGE_MAX = 255

const int32 = shape.integer(-0x8000_0000, 0x7fff_ffff)
const depth = shape.integer(0, 32)
const cell = { layout: shape.integer(), grouping: shape.integer(0, GROUPING_COUNT_MAX) }
const newest = { epoch: shape.integer(), newest: shape.integer() }
const claim = shape.record({ peer: shape.peerId, sequence: shape.integer() })
const descriptors = shape.list(readDescriptor, DESCRIPTOR_COUNT_MAX)
const gone = shape.list(claim, CLAIM_COUNT_MAX)
const readMessage = shape.union({
  push: shape.record({ ...cell, descriptors, gone, within: shape.integer(EVERYONE, NOBODY) }),
  give: shape.record({ ...cell, descriptors, gone }),
  summary: shape.record({
    ...cell,
    ...newest,
    key: int32,
    depth,
    isWhole: shape.optional(shape.boolean),
    digests: shape.list(int32, BUCKET_COUNT),
    own: shape.optional(readDescriptor),
    asked: shape.optional(readPopularity),
  }),
  holdings: shape.record({
    ...cell,
    key: int32,
    depth,
    buckets: shape.list(shape.integer(0, BUCKET_COUNT - 1), BUCKET_COUNT),
    hashes: shape.list(int32, HASH_COUNT_MAX),
  }),
  want: shape.record({ ...cell, hashes: shape.list(int32, WANT_COUNT_MAX) }),
  contacts: shape.record({
    ...cell,
    descriptors,
    ages: shape.list(shape.integer(0, CONTACT_AGE_MAX), DESCRIPTOR_COUNT_MAX),
  }),
  seek: shape.record({ ...cell, ...newest, key: int32, own: readDescriptor }),
  found: shape.record({ ...cell, depth }),
  forward: shape.record({
    ...cell,
    what: shape.oneOf('gone', 'doubt'),
    key: int32,
    claim,
    hopsLeft: shape.integer(0, HOP_COUNT_MAX),
  }),
  layout: shape.record({ layout: readLayout }),
})

export const selectionWire: Wire<SelectionMessage> = {
  id: '/roost/selection/1',
  messageBytesMax: DESCRIPTOR_COUNT_MAX * DESCRIPTOR_BYTES_MAX + CLAIM_COUNT_MAX * 128 + 16_384,
  parse: (value) => readMessage(value, 'message'),
}
