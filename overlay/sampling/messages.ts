import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type Wire } from '../env/index.ts'

/** Some of a view: the age of each descriptor stands at its place. Two lists cost less than a list of pairs. */
export interface Entries {
  readonly descriptors: readonly Descriptor[]
  /** Cycles since its node was last known to have spoken for itself. */
  readonly ages: readonly number[]
}

/** `round` ties a reply to the shuffle that it answers. */
export type SamplingMessage =
  | ({ readonly type: 'shuffle'; readonly round: number } & Entries)
  | ({ readonly type: 'shuffle-reply'; readonly round: number } & Entries)

/** The most descriptors that a message may carry; `shuffleSize` stays below it. */
export const ENTRY_COUNT_MAX = 16
export const AGE_MAX = 65_535

const fields = {
  round: shape.integer(),
  descriptors: shape.list(readDescriptor, ENTRY_COUNT_MAX),
  ages: shape.list(shape.integer(0, AGE_MAX), ENTRY_COUNT_MAX),
}
const readMessage = shape.union({ shuffle: shape.record(fields), 'shuffle-reply': shape.record(fields) })

export const samplingWire: Wire<SamplingMessage> = {
  id: '/roost/sampling/1',
  messageBytesMax: ENTRY_COUNT_MAX * DESCRIPTOR_BYTES_MAX + 1_024,
  parse: (value) => {
    const message = readMessage(value, 'message')
    if (message.ages.length !== message.descriptors.length)
      throw shape.malformed('message.ages', 'an age for each descriptor')
    return message
  },
}
