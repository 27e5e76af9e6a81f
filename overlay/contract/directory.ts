import type { PeerId } from '../env/index.ts'

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
export interface Directory {
  /** Signs and publishes a record whose first controller is this node; rejects with `RECORD_REFUSED` where no node took it. */
  publishJob(record: Omit<JobRecord, 'sequence' | 'vo'>): Promise<void>
  /** The newest record; rejects with `RECORD_NOT_FOUND`. */
  findJob(jobId: string): Promise<JobRecord>
  /** Says that this node controls jobs of `user`, so that they can be found. Idempotent; kept fresh until the daemon stops. */
  announceUser(user: string): Promise<void>
  /** Nodes that control jobs of `user`, as far as they were found before the deadline. */
  findControllers(user: string, options: { readonly timeoutMs: number }): Promise<readonly PeerId[]>
}
