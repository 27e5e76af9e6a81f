import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { isGone, type Member, type MemberState } from './member.ts'

/**
 * What a node thinks of the others, each with a descriptor. The gone stay in it for a while, so that old word of them does not bring
 * them back; they make room when it is full.
 */
export class MemberTable {
  readonly #countMax: number
  readonly #members = new Map<PeerId, Member>()
  #goneCount = 0

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  /** Those who are alive or suspected. */
  get watchedCount(): number {
    return this.#members.size - this.#goneCount
  }

  get goneCount(): number {
    return this.#goneCount
  }

  get isFull(): boolean {
    return this.#members.size >= this.#countMax
  }

  all(): IterableIterator<Member> {
    return this.#members.values()
  }

  get(peer: PeerId): Member | undefined {
    return this.#members.get(peer)
  }

  /** The member if it is alive or suspected. */
  watched(peer: PeerId): Member | undefined {
    const member = this.#members.get(peer)
    return member === undefined || isGone(member.state) ? undefined : member
  }

  peersIn(...states: readonly MemberState[]): PeerId[] {
    const peers: PeerId[] = []
    for (const { peer, state } of this.#members.values()) if (states.includes(state)) peers.push(peer)
    return peers
  }

  /** Whether this sequence number is later than all that is known of the peer. */
  isNews({ peer, sequence }: Descriptor): boolean {
    const member = this.#members.get(peer)
    return member === undefined || sequence > member.sequence
  }

  set(descriptor: Descriptor, state: MemberState, sequence: number, nowMs: number): Member {
    const { peer } = descriptor
    const before = this.#members.get(peer)
    const sinceMs = before?.state === state ? before.sinceMs : nowMs
    const member: Member = { peer, state, sinceMs, descriptor, sequence }
    this.#members.set(peer, member)
    if (before !== undefined && isGone(before.state)) this.#goneCount--
    if (isGone(state)) this.#goneCount++
    return member
  }

  /** Forgets one that is gone. */
  forget(member: Member): void {
    if (this.#members.delete(member.peer)) this.#goneCount--
  }

  /** Any that is gone. */
  oneGone(): Member | undefined {
    for (const member of this.#members.values()) if (isGone(member.state)) return member
    return undefined
  }
}
