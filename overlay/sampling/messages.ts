import { DESCRIPTOR_BYTES_MAX, keyOf, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type Wire } from '../env/index.ts'

/** Some of a view, in two lists. */
export interface Entries {
  readonly descriptors: readonly Descriptor[]
  /**
   * For each descriptor in turn: its key (see `keyOf`), and its age, which is the cycles since its node was last known to have spoken
   * for itself. The keys follow from the descriptors, and are refused where they do not; they stand here since to compare them is
   * to fetch no descriptor from memory, which is what most of a simulated shuffle is spent on.
   */
  readonly marks: readonly number[]
}

/** `round` ties a reply to the shuffle that it answers. */
export type SamplingMessage =
  | ({ readonly type: 'shuffle'; readonly round: number } & Entries)
  | ({ readonly type: 'shuffle-reply'; readonly round: number } & Entries)

/** The most descriptors that a message may carry; `shuffleSize` stays below it. */
export const ENTRY_COUNT_MAX = 16
export const AGE_MAX = 65_535
const KEY_MIN = -(2 ** 31)
const KEY_MAX = 2 ** 31 - 1

const fields = {
  round: shape.integer(),
  descriptors: shape.list(readDescriptor, ENTRY_COUNT_MAX),
  marks: shape.list(shape.integer(KEY_MIN, KEY_MAX), 2 * ENTRY_COUNT_MAX),
}
const readMessage = shape.union({ shuffle: shape.record(fields), 'shuffle-reply': shape.record(fields) })

export const samplingWire: Wire<SamplingMessage> = {
  id: '/roost/sampling/1',
  messageBytesMax: ENTRY_COUNT_MAX * DESCRIPTOR_BYTES_MAX + 1_024,
  parse: (value) => {
    const message = readMessage(value, 'message')
    checkMarks(message)
    return message
  },
}

function checkMarks({ descriptors, marks }: Entries): void {
  if (marks.length !== 2 * descriptors.length) throw shape.malformed('message.marks', 'two for each descriptor')
  for (const [index, descriptor] of descriptors.entries()) {
    const age = marks[2 * index + 1]!
    if (marks[2 * index] !== keyOf(descriptor))
      throw shape.malformed(`message.marks[${2 * index}]`, 'the key of its peer')
    if (age < 0 || age > AGE_MAX) throw shape.malformed(`message.marks[${2 * index + 1}]`, 'an age')
  }
}

/** A message as the node made it that sends it: all in it was checked by the sender's checker, and is not checked by the same again. */
export class OwnMessage<Type extends SamplingMessage['type']> implements Entries {
  readonly type: Type
  readonly round: number
  readonly descriptors: readonly Descriptor[]
  readonly marks: readonly number[]
  readonly #checkedBy: object

  constructor(type: Type, round: number, entries: Entries, checkedBy: object) {
    this.type = type
    this.round = round
    this.descriptors = entries.descriptors
    this.marks = entries.marks
    this.#checkedBy = checkedBy
  }

  /** Never of what came over a network: only nodes of one process have a checker in common. */
  static isCheckedBy(message: SamplingMessage, checker: object): boolean {
    return #checkedBy in message && (message as OwnMessage<'shuffle'>).#checkedBy === checker
  }
}
