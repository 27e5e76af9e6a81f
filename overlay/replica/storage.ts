import type { Plain } from '../env/index.ts'
import type { RoostError } from '../error/index.ts'
import type { Entry, HardState, SnapshotMeta } from './entry.ts'

/**
 * The seam to a disk, for one replica of one group. The protocol says what is to be kept and goes on; it acknowledges nothing before it
 * has been told that it is. What waits for the disk while a sync runs goes to it together with the next: that is all of group commit,
 * and one database may do it for all groups of a node.
 */
export interface ReplicaStorage {
  /**
   * Keeps a write: whole or not at all, and never without those given before it. `settled` is called once it is on the disk, in the order
   * of writes, and not from within this call; or with an error, after which the replica ends: what did not land is not known.
   */
  persist(write: StorageWrite, settled: (error?: RoostError) => void): void
  /**
   * Reads a chunk of the snapshot that the disk starts from, and tells `got`, not from within this call. A chunk that is damaged or gone is
   * an error.
   */
  readChunk(snapshotId: string, number: number, got: (outcome: ChunkOutcome) => void): void
}

export type ChunkOutcome = { readonly chunk: Exclude<Plain, undefined> } | { readonly error: RoostError }

/** What one write changes. Its parts land together. */
export interface StorageWrite {
  readonly hardState?: HardState
  /** Consecutive; they replace all that stood in the log from the first one's index on. */
  readonly entries?: readonly Entry[]
  /**
   * One chunk of a snapshot that is being taken or received; chunks are numbered from 0 and may come in any order. One snapshot is staged
   * at a time: with the first chunk of another, those of the former go.
   */
  readonly chunk?: {
    readonly snapshotId: string
    readonly number: number
    readonly chunk: Exclude<Plain, undefined>
  }
  /** All chunks of this snapshot have been given: it is the one to start from now on, and the one before it goes. */
  readonly snapshot?: SnapshotMeta
  /** Entries up to this index go; after a snapshot that replaces the log (`Infinity`) all do. */
  readonly discardThrough?: number
}

/** What a replica left on its disk. */
export interface StoredReplica {
  readonly hardState: HardState
  readonly snapshot?: SnapshotMeta
  /** Consecutive; those that the snapshot covers may be missing or not. */
  readonly entries: readonly Entry[]
  /** A snapshot that is not whole: how many of its chunks are there, from the first and without a gap. */
  readonly staged?: StagedSnapshot
}

export interface StagedSnapshot {
  readonly snapshotId: string
  readonly chunkCount: number
}
