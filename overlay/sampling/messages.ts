import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type Wire } from '../env/index.ts'

/** A descriptor as it stands in a view. */
export interface Entry {
  readonly descriptor: Descriptor
  /** Cycles since its node was last known to have spoken for itself. */
  readonly age: number
}

/** `round` ties a reply to the shuffle that it answers. */
export type SamplingMessage =
  | { readonly type: 'shuffle'; readonly round: number; readonly entries: readonly Entry[] }
  | { readonly type: 'shuffle-reply'; readonly round: number; readonly entries: readonly Entry[] }

/** The most descriptors that a message may carry; `shuffleSize` stays below it. */
export const ENTRY_COUNT_MAX = 16
export const AGE_MAX = 65_535

const entries = shape.list(
  shape.record({ descriptor: readDescriptor, age: shape.integer(0, AGE_MAX) }),
  ENTRY_COUNT_MAX,
)
const readMessage = shape.union({
  shuffle: shape.record({ round: shape.integer(), entries }),
  'shuffle-reply': shape.record({ round: shape.integer(), entries }),
})

export const samplingWire: Wire<SamplingMessage> = {
  id: '/roost/sampling/1',
  messageBytesMax: ENTRY_COUNT_MAX * DESCRIPTOR_BYTES_MAX + 1_024,
  parse: (value) => readMessage(value, 'message'),
}
