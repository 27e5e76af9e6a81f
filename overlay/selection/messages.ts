import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type PeerId, type Wire } from '../env/index.ts'

/** What a node holds of another: enough to see who has the later word. */
export interface Holding {
  readonly peer: PeerId
  readonly sequence: number
}

/**
 * `push` brings what is new. The others level what two nodes hold, in turns: A sends a `summary`; B, where it differs, a page of its
 * `holdings` in the buckets that differ; A gives what is newer on its side (`push`) and asks for what is newer on B's (`want`).
 */
export type SelectionMessage =
  | { readonly type: 'push'; readonly descriptors: readonly Descriptor[] }
  /** One 32-bit digest for each bucket. */
  | { readonly type: 'summary'; readonly digests: readonly number[] }
  | { readonly type: 'holdings'; readonly buckets: readonly number[]; readonly holdings: readonly Holding[] }
  | { readonly type: 'want'; readonly peers: readonly PeerId[] }

export const BUCKET_COUNT = 64
/** Descriptors in one push; what is more goes in further ones. */
export const PUSH_COUNT_MAX = 8
/** Holdings in one page, and descriptors asked for at once. Buckets that do not fit wait for the next exchange. */
export const HOLDING_COUNT_MAX = 512
export const WANT_COUNT_MAX = 256

const bucket = shape.integer(0, BUCKET_COUNT - 1)
const readMessage = shape.union({
  push: shape.record({ descriptors: shape.list(readDescriptor, PUSH_COUNT_MAX) }),
  summary: shape.record({ digests: shape.list(shape.integer(0, 0xffff_ffff), BUCKET_COUNT) }),
  holdings: shape.record({
    buckets: shape.list(bucket, BUCKET_COUNT),
    holdings: shape.list(shape.record({ peer: shape.peerId, sequence: shape.integer() }), HOLDING_COUNT_MAX),
  }),
  want: shape.record({ peers: shape.list(shape.peerId, WANT_COUNT_MAX) }),
})

export const selectionWire: Wire<SelectionMessage> = {
  id: '/roost/selection/1',
  messageBytesMax: PUSH_COUNT_MAX * DESCRIPTOR_BYTES_MAX + 1_024,
  parse: (value) => readMessage(value, 'message'),
}
