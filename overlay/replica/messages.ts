import { shape, type Plain, type Wire } from '../env/index.ts'
import { readEntry, readSnapshotMeta, type Entry, type SnapshotMeta } from './entry.ts'
import { plain } from './plain.ts'

/**
 * What replicas of a group tell each other. `round` counts a leader's calls: who echoes one was still with that leader when it got
 * it, which confirms reads (dissertation 6.4). `incarnation` is the sender's, but in `ask-vote`, where it is what the asker's
 * configuration has for the one asked.
 */
export type ReplicaMessage =
  /** AppendEntries (paper 5.3). `commit` counts as far as the receiver's log is known to match. */
  | {
      readonly type: 'append'
      readonly group: string
      readonly term: number
      readonly round: number
      readonly prevIndex: number
      readonly prevTerm: number
      readonly commit: number
      readonly entries: readonly Entry[]
    }
  /** Heartbeats of all groups that the sender leads with the receiver. */
  | { readonly type: 'beats'; readonly beats: readonly Beat[] }
  /** Answers to the two above, of all groups that they were for; one of a higher term ends the leader. */
  | { readonly type: 'acks'; readonly acks: readonly Ack[] }
  /** The log does not match at `prevIndex`. The hint is the last place of the receiver's log that might (paper, end of 5.3). */
  | {
      readonly type: 'mismatch'
      readonly group: string
      readonly term: number
      readonly round: number
      readonly prevIndex: number
      readonly hintIndex: number
      readonly hintTerm: number
      readonly incarnation: number
    }
  /**
   * RequestVote (paper 5.2), or with `pre` the question whether one would be given (dissertation 9.6). `handed`: the leader itself
   * told the sender to ask (3.10).
   */
  | {
      readonly type: 'ask-vote'
      readonly group: string
      readonly term: number
      readonly pre: boolean
      readonly handed: boolean
      readonly lastIndex: number
      readonly lastTerm: number
      readonly incarnation: number
    }
  | {
      readonly type: 'vote'
      readonly group: string
      readonly term: number
      readonly pre: boolean
      readonly granted: boolean
      readonly incarnation: number
    }
  /** InstallSnapshot (paper 7), one chunk. */
  | {
      readonly type: 'chunk'
      readonly group: string
      readonly term: number
      readonly round: number
      readonly snapshot: SnapshotMeta
      readonly number: number
      readonly chunk: Exclude<Plain, undefined>
    }
  /** All chunks before `next` are on the receiver's disk; at `chunkCount` the snapshot is installed. */
  | {
      readonly type: 'chunk-ack'
      readonly group: string
      readonly term: number
      readonly snapshotId: string
      readonly next: number
      readonly incarnation: number
    }
  /** TimeoutNow (dissertation 3.10): ask for votes at once. */
  | { readonly type: 'take-over'; readonly group: string; readonly term: number }
  /** The receiver is no member any more, by a committed configuration of this index. */
  | { readonly type: 'removed'; readonly group: string; readonly configurationIndex: number }

export interface Beat {
  readonly group: string
  readonly term: number
  readonly round: number
  readonly commit: number
}

/** The sender's log matches the leader's up to `verified`, and is on its disk up to `match`. */
export interface Ack {
  readonly group: string
  readonly term: number
  readonly round: number
  readonly verified: number
  readonly match: number
  readonly incarnation: number
}

/** Groups that one node takes part in. */
export const GROUP_COUNT_MAX = 1_024
export const GROUP_CHARS_MAX = 64
export const APPEND_COUNT_MAX = 1_024
/** What a chunk of a snapshot may weigh; a service's own may weigh `SERVICE_CHUNK_WEIGHT_MAX`. */
export const CHUNK_WEIGHT_MAX = 262_144
/** The codec's bound is a mebibyte and 200,000 values; weights count at least two bytes a value. */
const MESSAGE_BYTES_MAX = 393_216

const group = shape.text(GROUP_CHARS_MAX)
const number = shape.integer()
const each = { group, term: number, round: number }
const readMessage = shape.union({
  append: shape.record({
    ...each,
    prevIndex: number,
    prevTerm: number,
    commit: number,
    entries: shape.list(readEntry, APPEND_COUNT_MAX),
  }),
  beats: shape.record({ beats: shape.list(shape.record({ ...each, commit: number }), GROUP_COUNT_MAX) }),
  acks: shape.record({
    acks: shape.list(shape.record({ ...each, verified: number, match: number, incarnation: number }), GROUP_COUNT_MAX),
  }),
  mismatch: shape.record({
    ...each,
    prevIndex: number,
    hintIndex: number,
    hintTerm: number,
    incarnation: number,
  }),
  'ask-vote': shape.record({
    group,
    term: number,
    pre: shape.boolean,
    handed: shape.boolean,
    lastIndex: number,
    lastTerm: number,
    incarnation: number,
  }),
  vote: shape.record({ group, term: number, pre: shape.boolean, granted: shape.boolean, incarnation: number }),
  chunk: shape.record({
    ...each,
    snapshot: readSnapshotMeta,
    number,
    chunk: plain(CHUNK_WEIGHT_MAX) as shape.Shape<NonNullable<Plain>>,
  }),
  'chunk-ack': shape.record({
    group,
    term: number,
    snapshotId: shape.text(128),
    next: number,
    incarnation: number,
  }),
  'take-over': shape.record({ group, term: number }),
  removed: shape.record({ group, configurationIndex: number }),
})

export const replicaWire: Wire<ReplicaMessage> = {
  id: '/roost/replica/1',
  messageBytesMax: MESSAGE_BYTES_MAX,
  parse: (value) => readMessage(value, 'message') as ReplicaMessage,
}

/** Messages of one group alone. */
export type GroupMessage = Exclude<ReplicaMessage, { readonly type: 'beats' | 'acks' }>

export type MessageTo<Type extends ReplicaMessage['type']> = ReplicaMessage & { readonly type: Type }
