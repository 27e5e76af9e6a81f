import type { Env, PeerId } from '../env/index.ts'
import type { RoostError } from '../error/index.ts'
import type { GroupConfiguration } from './entry.ts'
import type { ReplicaMessage } from './messages.ts'

export type ReplicaTimer =
  | { readonly type: 'beat' }
  /** `life` tells a replica from one of the same group that was opened before it. */
  | { readonly type: 'election'; readonly group: string; readonly life: number }
  | { readonly type: 'apply'; readonly group: string; readonly life: number }
  /** The turn is over in which a leader was given commands: they leave together. */
  | { readonly type: 'flush'; readonly group: string; readonly life: number }

export type ReplicaEvent =
  /** This node leads the group from now on: the one to be found under the group's name. */
  | { readonly type: 'leading'; readonly group: string; readonly term: number }
  /** It leads no longer, or follows another leader, or none that it knows. */
  | { readonly type: 'following'; readonly group: string; readonly term: number; readonly leader: PeerId | undefined }
  /** A configuration is committed, as far as this replica knows. */
  | { readonly type: 'members'; readonly group: string; readonly configuration: GroupConfiguration }
  /** Somebody leads a group with this node in it that was not opened here: open it, if it may be. Told again while it lasts. */
  | { readonly type: 'invited'; readonly group: string; readonly from: PeerId }
  /** This node is no member any more. What it keeps of the group may go. */
  | { readonly type: 'removed'; readonly group: string }
  /** The replica's disk failed, or what lies on it is damaged: it has ended, and may be opened again from the disk. */
  | { readonly type: 'failed'; readonly group: string; readonly error: RoostError }
  /** A peer said what cannot be. */
  | { readonly type: 'refused'; readonly group: string; readonly peer: PeerId; readonly reason: string }

export type ReplicaEnv = Env<ReplicaMessage, ReplicaTimer, ReplicaEvent>
