import type { Env, PeerId } from '../env/index.ts'
import type { Member, MemberState } from './member.ts'
import type { MembershipMessage } from './messages.ts'

export type MembershipTimer =
  | { readonly type: 'tick' }
  | { readonly type: 'doubted'; readonly peer: PeerId }
  | { readonly type: 'unanswered'; readonly probe: number }
  | { readonly type: 'probe-over'; readonly probe: number }
  | { readonly type: 'suspicion'; readonly peer: PeerId }
  | { readonly type: 'gossip' }

export type MembershipEvent =
  /** A node's state changed, or it has a newer descriptor; `before` is absent for a node that was not known. */
  | { readonly type: 'changed'; readonly member: Member; readonly before: MemberState | undefined }
  /** A node is no longer in the table: it was gone for long or made room, or it is not watched any more. */
  | { readonly type: 'forgotten'; readonly peer: PeerId }
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }

export type MembershipEnv = Env<MembershipMessage, MembershipTimer, MembershipEvent>
