import { DESCRIPTOR_BYTES_MAX, keyOf, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type Wire } from '../env/index.ts'
import type { Book } from './book.ts'

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

/**
 * A message between two nodes of one process, which have a book in common (see `SamplingCommons`): numbers stand in it in place of
 * descriptors. Whatever wants its bytes, or the descriptors themselves, gets the message that it stands for.
 */
export class NumberedMessage<Type extends SamplingMessage['type']> implements Entries {
  readonly type: Type
  readonly round: number
  /** Of each entry: its number in the book, and its age. */
  readonly entries: readonly number[]
  readonly book: Book

  constructor(type: Type, round: number, entries: readonly number[], book: Book) {
    this.type = type
    this.round = round
    this.entries = entries
    this.book = book
  }

  get descriptors(): readonly Descriptor[] {
    return describe(this.entries, this.book)
  }

  get marks(): readonly number[] {
    return this.descriptors.flatMap((descriptor, index) => [keyOf(descriptor), this.entries[2 * index + 1]!])
  }

  /** The message as it crosses a network. */
  toJSON(): { type: Type; round: number } & Entries {
    const { type, round, descriptors, marks } = this
    return { type, round, descriptors, marks }
  }
}

/** What the numbers among entries stand for. */
export function describe(entries: readonly number[], book: Book): readonly Descriptor[] {
  const descriptors: Descriptor[] = []
  for (let at = 0; at < entries.length; at += 2) descriptors.push(book.at(entries[at]!))
  return descriptors
}
