import { shape, type CallWire, type PeerId, type Plain } from '../env/index.ts'
import type { ErrorRecord } from '../error/index.ts'
import { COMMAND_WEIGHT_MAX, VOTERS_MAX } from './entry.ts'
import { GROUP_CHARS_MAX } from './messages.ts'
import { COMMAND_DEPTH_MAX, plain } from './plain.ts'
import type { Given } from './service.ts'

/** What a client asks a member. All may be asked again: commands by session and sequence number, the rest by what they mean. */
export type ReplicaRequest =
  /** Opens a session; asked twice, it opens two, and the unused one expires. */
  | { readonly type: 'open'; readonly group: string }
  /** `settled`: the lowest sequence number whose reply the client still waits for. */
  | {
      readonly type: 'command'
      readonly group: string
      readonly session: number
      readonly sequence: number
      readonly settled: number
      readonly command: Given
    }
  | { readonly type: 'read'; readonly group: string; readonly query: Given }
  /** Done once the change is committed; a member is added as a learner and counts when it has caught up. */
  | { readonly type: 'change'; readonly group: string; readonly action: 'add' | 'remove'; readonly peer: PeerId }
  | { readonly type: 'hand-over'; readonly group: string; readonly to: PeerId }

export type ReplicaReply =
  | { readonly type: 'opened'; readonly session: number }
  | { readonly type: 'done'; readonly result: Given }
  /** The service refused: certain, and the same however often it is asked. */
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  /** Ask `leader`, or the others. What was asked may stand in a log all the same, and be committed yet. */
  | { readonly type: 'not-leader'; readonly leader?: PeerId; readonly members: readonly PeerId[] }
  /** The session is unknown: what was asked did not happen now. */
  | { readonly type: 'expired' }
  /** The client no longer waits for this one. */
  | { readonly type: 'settled' }
  /** A bound is reached: ask again in a moment. */
  | { readonly type: 'busy' }
  /** This node has no replica of the group. */
  | { readonly type: 'no-member' }

const MESSAGE_BYTES_MAX = 131_072
const ERROR_TEXT_CHARS_MAX = 4_000

const group = shape.text(GROUP_CHARS_MAX)
const number = shape.integer()
const given = plain(COMMAND_WEIGHT_MAX, COMMAND_DEPTH_MAX) as shape.Shape<NonNullable<Plain>>
const text = shape.text(ERROR_TEXT_CHARS_MAX)

const readRequest = shape.union({
  open: shape.record({ group }),
  command: shape.record({
    group,
    session: number,
    sequence: shape.integer(1),
    settled: shape.integer(1),
    command: given,
  }),
  read: shape.record({ group, query: given }),
  change: shape.record({ group, action: shape.oneOf('add', 'remove'), peer: shape.peerId }),
  'hand-over': shape.record({ group, to: shape.peerId }),
})
const readReply = shape.union({
  opened: shape.record({ session: number }),
  done: shape.record({ result: given }),
  failed: shape.record({
    error: shape.record({ code: text, message: text, hint: text, certain: shape.boolean }),
  }),
  'not-leader': shape.record({
    leader: shape.optional(shape.peerId),
    members: shape.list(shape.peerId, VOTERS_MAX),
  }),
  expired: shape.record({}),
  settled: shape.record({}),
  busy: shape.record({}),
  'no-member': shape.record({}),
})

export const replicaCallWire: CallWire<ReplicaRequest, ReplicaReply> = {
  id: '/roost/replica-call/1',
  messageBytesMax: MESSAGE_BYTES_MAX,
  parseRequest: (value) => readRequest(value, 'request') as ReplicaRequest,
  parseReply: (value) => readReply(value, 'reply') as ReplicaReply,
}
