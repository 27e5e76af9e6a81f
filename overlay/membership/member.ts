import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

export function isGone(state: MemberState): boolean {
  return state === 'dead' || state === 'left'
}

/** What a node thinks of another, at the moment it was asked for. */
export interface Member {
  readonly peer: PeerId
  readonly state: MemberState
  /** Monotonic time since when, to an eighth of a second. */
  readonly sinceMs: number
  /** The newest descriptor of it that we have. */
  readonly descriptor: Descriptor
  /** Of which sequence number the state speaks: the descriptor's, or a later one that it said goodbye under. */
  readonly sequence: number
}
