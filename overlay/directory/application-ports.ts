import type { CallEnv, PeerId } from '../env/index.ts'
import type { ApplicationReply, ApplicationRequest } from './application-messages.ts'
import type { MemberStatement } from './application-record.ts'

/** What the directory of applications needs of its host. */
export interface ApplicationPorts {
  /** Fingerprint of the VO's authority. */
  readonly vo: string
  /**
   * The nodes nearest to a key in the DHT, nearest first, at most so many; this one among them where it is. It leaves out those
   * that are known to be gone, and may be wrong: a few nodes more or less are asked then.
   */
  closest(key: Uint8Array, count: number): Promise<readonly PeerId[]>
  /** Whether a node is known to be dead or to have left: what it published is not given to anybody. */
  isGone(peer: PeerId): boolean
  /** The member who made a statement of `PUBLISH_ACTION`; throws where nobody did. */
  checkMember(statement: MemberStatement): { readonly id: PeerId }
  /** Something that a peer sent was refused. */
  onRefused(peer: PeerId, reason: string): void
}

export type ApplicationEnv = CallEnv<ApplicationRequest, ApplicationReply>

/** Nodes that keep a shard. With half of them gone at once, seven shards of eight still have three that know all. */
export const HOLDERS_COUNT = 8

/** A holder that is alive answers in milliseconds; who does not is passed over for the next. */
export const CALL_MS = 2_000
