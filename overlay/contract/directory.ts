import type { AbortSignalLike, PeerId } from '../env/index.ts'
import type { Attributes } from '../attributes/index.ts'
import type { SignedStatement } from './trust.ts'

/** Who controls a job: one small signed record in the DHT. The higher epoch wins, then the higher sequence. */
export interface JobRecord {
  readonly jobId: string
  /** The controllers, the leader first. The first one signs. */
  readonly controllers: readonly PeerId[]
  readonly epoch: number
  readonly sequence: number
  /** The user's key id. */
  readonly owner: string
  /** Fingerprint of the VO's authority. */
  readonly vo: string
}

/** The directory of jobs, in the DHT. */
export interface JobDirectory {
  /** Signs and publishes a record whose first controller is this node; rejects with `RECORD_REFUSED` where no node took it. */
  publishJob(record: Omit<JobRecord, 'sequence' | 'vo'>): Promise<void>
  /** The newest record; rejects with `RECORD_NOT_FOUND`. */
  findJob(jobId: string): Promise<JobRecord>
  /** Says that this node controls jobs of `user`, so that they can be found. Idempotent; kept fresh until the daemon stops. */
  announceUser(user: string): Promise<void>
  /** Nodes that control jobs of `user`, as far as they were found before the deadline. */
  findControllers(user: string, options: { readonly timeoutMs: number }): Promise<readonly PeerId[]>
}

/** An application as one publisher has it. Several publish one name side by side. */
export interface Application {
  readonly name: string
  /** Whose name it is: `member` where there is one, else `job`, else `publisher`. One name of two owners is two names. */
  readonly owner: string
  /** The node that publishes it, and signs for it; and which of that node's publications of this name it is. */
  readonly publisher: PeerId
  readonly instance: string
  /** `scheme://host:port`, and perhaps a path. */
  readonly endpoints: readonly string[]
  readonly attributes: Attributes
  /** How long it is believed after its publisher's last word. */
  readonly ttlMs: number
  /** Unix time in milliseconds of that word, by the publisher's clock. */
  readonly atMs: number
  /** The job that published it, and the id of the member who signed for it, where there is one. */
  readonly job?: string
  readonly member?: PeerId
}

export interface Publication {
  /** 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`, with a letter or digit at both ends. */
  readonly name: string
  /** `main` where left out. */
  readonly instance?: string
  /** 1 to 8 of `scheme://host:port`. A tunnel reaches those that are on this machine. */
  readonly endpoints: readonly string[]
  readonly attributes?: Attributes
  /** A minute where left out; 10 s to 24 h. */
  readonly ttlMs?: number
  /** A member's words for it: `app.publish` with exactly these fields and `publisher`, defaults filled in. */
  readonly statement?: SignedStatement
}

/** The directory of applications: names to endpoints and attributes, under the VO. */
export interface ApplicationDirectory {
  /**
   * Publishes from this node, and keeps it published while this node lives and until it is removed; a publication of the same name
   * and instance is replaced. Rejects with `APPLICATION_INVALID`, `BUSY` (too many), `RECORD_REFUSED` (no node took it so far).
   */
  publish(publication: Publication): Promise<Application>
  /** Takes back what was published through here; `APPLICATION_NOT_FOUND` where that is nothing. Without `instance` all of the name. */
  remove(name: string, options?: { readonly instance?: string }): Promise<void>
  /**
   * All that living publishers have under a name, in random order; nothing is an empty list. Without `owner` of whoever has such a name,
   * and anybody may.
   */
  resolve(
    name: string,
    options?: { readonly timeoutMs?: number; readonly owner?: string },
  ): Promise<readonly Application[]>
  /** Those for which a ClassAd expression over their attributes, and `Name`, `Owner`, `Node`, `Job` and `Member`, is true. */
  find(
    where: string,
    options: { readonly count: number; readonly timeoutMs: number; readonly signal?: AbortSignalLike },
  ): Promise<{ readonly applications: readonly Application[]; readonly isComplete: boolean }>
}

/** The directories of a grid. */
export interface Directory extends JobDirectory {
  readonly applications: ApplicationDirectory
}
