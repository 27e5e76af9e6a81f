import { readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type CallWire } from '../env/index.ts'
import { GROUPING_COUNT_MAX } from '../placement/index.ts'
import type { CellName } from './messages.ts'

/** The part of a grouping that a question is about: keys with this prefix, but for some of the eight parts by the next three bits. */
export interface Region {
  /** A key, of which the first `depth` bits count. */
  readonly key: number
  readonly depth: number
  /** One bit for each part that is not asked for. */
  readonly skip: number
}

/** Asks a node for nodes that `where` may be true for, as far as their descriptors tell, in a region. */
export type Question = CellName &
  Region & {
    readonly where: string
    /** How many of the cell are wanted at most, those counted that the asker has already: it cannot tell which they are. Beyond `ALL_COUNT` that is all. */
    readonly wanted: number
    /** How many the asker still lacks: up to so many the asked gives of what it knows elsewhere, where its cell has too few. */
    readonly lacking: number
  }

/** Who is asked for a region next: the first, or the others where it is silent. */
export interface Referral extends Region {
  readonly contacts: readonly Descriptor[]
}

export type Answer =
  | {
      readonly type: 'answer'
      readonly descriptors: readonly Descriptor[]
      /** How many bits of its key the answering node's cell shares. */
      readonly depth: number
      /** Members of the answering node's cell in the region that match; more than were given where these did not fit. */
      readonly matchCount: number
      /** Members of its cell in the region. */
      readonly memberCount: number
      /** The rest of the region. */
      readonly referrals: readonly Referral[]
      /** Over the question, the counts, and peer and sequence of all that was given, under the context `selection-answer`. */
      readonly signature: Uint8Array
    }
  /** The asked goes by other layouts, or has joined the cell only now. */
  | { readonly type: 'not-ready' }

export const QUESTION_WHERE_CHARS_MAX = 16_384
/** More is not counted out: whoever wants more gets all that there are in the cell. */
export const ALL_COUNT = 1_024
/** More than a cell has members. */
export const ANSWER_COUNT_MAX = 1_024
export const REFERRAL_COUNT_MAX = 256
export const REFERRAL_CONTACT_COUNT_MAX = 2
/** As far as an answer is filled; a usual descriptor has some 500 bytes. What does not fit is counted and left out. */
export const ANSWER_CHARS_MAX = 524_288

const int32 = shape.integer(-0x8000_0000, 0x7fff_ffff)
const region = { key: int32, depth: shape.integer(0, 32), skip: shape.integer(0, 255) }
const readQuestion = shape.record({
  layout: shape.integer(),
  grouping: shape.integer(0, GROUPING_COUNT_MAX),
  ...region,
  where: shape.text(QUESTION_WHERE_CHARS_MAX),
  wanted: shape.integer(1),
  lacking: shape.integer(),
})
const readAnswer = shape.union({
  answer: shape.record({
    descriptors: shape.list(readDescriptor, ANSWER_COUNT_MAX),
    depth: shape.integer(0, 32),
    matchCount: shape.integer(),
    memberCount: shape.integer(),
    referrals: shape.list(
      shape.record({ ...region, contacts: shape.list(readDescriptor, REFERRAL_CONTACT_COUNT_MAX) }),
      REFERRAL_COUNT_MAX,
    ),
    signature: shape.bytes(64),
  }),
  'not-ready': shape.record({}),
})

export const questionWire: CallWire<Question, Answer> = {
  id: '/roost/selection-question/1',
  // The longest that a network carries.
  messageBytesMax: 1_048_576,
  parseRequest: (value) => readQuestion(value, 'question'),
  parseReply: (value) => readAnswer(value, 'answer'),
}
