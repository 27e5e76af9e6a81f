import { ATTRIBUTES_CHARS_MAX, readAttributes, type Attributes } from '../attributes/index.ts'
import { shape, type CallWire } from '../env/index.ts'

/** Asks a node whether it is what `where` says at this moment, and what `rank` it has. */
export interface LiveRequest {
  readonly where: string
  readonly rank?: string
}

export type LiveReply =
  | { readonly type: 'match'; readonly attributes: Attributes; readonly dynamic: Attributes; readonly rank: number }
  | { readonly type: 'no-match' }

/** The longest expression that is sent to nodes, in UTF-16 units; the longest of real job files has 3,000. */
export const LIVE_EXPRESSION_CHARS_MAX = 16_384
const MESSAGE_BYTES_MAX = 2 * 3 * (LIVE_EXPRESSION_CHARS_MAX + ATTRIBUTES_CHARS_MAX)

const expression = shape.text(LIVE_EXPRESSION_CHARS_MAX)
const readRequest = shape.record({ where: expression, rank: shape.optional(expression) })
const readReply = shape.union({
  match: shape.record({ attributes: readAttributes, dynamic: readAttributes, rank: shape.real }),
  'no-match': shape.record({}),
})

export const liveWire: CallWire<LiveRequest, LiveReply> = {
  id: '/roost/live/1',
  messageBytesMax: MESSAGE_BYTES_MAX,
  parseRequest: (value) => readRequest(value, 'request'),
  parseReply: (value) => readReply(value, 'reply'),
}
