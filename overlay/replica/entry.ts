import { shape, type PeerId, type Plain } from '../env/index.ts'
import { COMMAND_DEPTH_MAX, plain } from './plain.ts'

/** What stands in a group's log, and what a replica keeps on its disk. */

/**
 * One seat in a group. A replica draws its incarnation when it begins with nothing on its disk; who lost a disk is somebody else to
 * the group, so that nobody counts on what the former one had promised.
 */
export interface Voter {
  readonly peer: PeerId
  readonly incarnation: number
}

/** Who counts for majorities, and who is being brought up to date to become a voter (dissertation 4.2.1). */
export interface GroupConfiguration {
  readonly voters: readonly Voter[]
  readonly learners: readonly PeerId[]
}

/** Where an entry stands. `atMs` is the group's own time: what has passed on its leaders' monotonic clocks, one after another. */
interface EntryHead {
  readonly index: number
  readonly term: number
  readonly atMs: number
}

/** A command as it came from a client: `settled` is the lowest sequence number that the client still waits for. */
export interface CommandContent {
  readonly type: 'command'
  readonly peer: PeerId
  readonly session: number
  readonly sequence: number
  readonly settled: number
  readonly command: Exclude<Plain, undefined>
}

export type EntryContent =
  /** The first of a leader's term (dissertation 6.4): once it is committed, the leader knows what is. */
  | { readonly type: 'begin' }
  | { readonly type: 'members'; readonly configuration: GroupConfiguration }
  /** A client's session begins (6.3); the entry's index is its name. */
  | { readonly type: 'open'; readonly peer: PeerId }
  | CommandContent

export type Entry = EntryHead & EntryContent

/** What must not be forgotten beside the log (paper, figure 2), and who this replica is. */
export interface HardState {
  readonly term: number
  readonly votedFor?: PeerId
  readonly incarnation: number
}

/** The state after entry `index`, which is of `term`. It lies on the disk in `chunkCount` chunks under `id`. */
export interface SnapshotMeta {
  readonly id: string
  readonly index: number
  readonly term: number
  readonly configuration: GroupConfiguration
  readonly chunkCount: number
  /** What all chunks weigh. */
  readonly weight: number
}

/** Seven can lose three. More voters make every commit slower and hardly anything safer. */
export const VOTERS_MAX = 7
export const LEARNERS_MAX = 4
/** What one command may weigh, and one reply. */
export const COMMAND_WEIGHT_MAX = 65_536
export const SNAPSHOT_ID_CHARS_MAX = 128

const configuration = shape.record({
  voters: shape.list(shape.record({ peer: shape.peerId, incarnation: shape.integer() }), VOTERS_MAX),
  learners: shape.list(shape.peerId, LEARNERS_MAX),
})
const head = { index: shape.integer(1), term: shape.integer(1), atMs: shape.real }

/** Reads an entry, from a peer or from the disk. */
export const readEntry: shape.Shape<Entry> = shape.union({
  begin: shape.record(head),
  members: shape.record({ ...head, configuration }),
  open: shape.record({ ...head, peer: shape.peerId }),
  command: shape.record({
    ...head,
    peer: shape.peerId,
    session: shape.integer(),
    sequence: shape.integer(),
    settled: shape.integer(),
    command: plain(COMMAND_WEIGHT_MAX, COMMAND_DEPTH_MAX) as shape.Shape<NonNullable<Plain>>,
  }),
})

export const readHardState: shape.Shape<HardState> = shape.record({
  term: shape.integer(),
  votedFor: shape.optional(shape.peerId),
  incarnation: shape.integer(),
})

export const readSnapshotMeta: shape.Shape<SnapshotMeta> = shape.record({
  id: shape.text(SNAPSHOT_ID_CHARS_MAX),
  index: shape.integer(1),
  term: shape.integer(1),
  configuration,
  chunkCount: shape.integer(1),
  weight: shape.integer(),
})

/** Two entries of one index and term are the same one (log matching, paper 5.3); this says so of their place alone. */
export function isSamePlace(one: EntryHead, other: EntryHead): boolean {
  return one.index === other.index && one.term === other.term
}

export function isVoter({ voters }: GroupConfiguration, peer: PeerId): boolean {
  return voters.some((voter) => voter.peer === peer)
}

/** Everybody who is sent the log. */
export function peersOf({ voters, learners }: GroupConfiguration): PeerId[] {
  return [...voters.map(({ peer }) => peer), ...learners]
}
