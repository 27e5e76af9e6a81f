/** Groups whose invitations are remembered; beyond it the oldest is forgotten and may be told again. */
const GROUP_COUNT_MAX = 64
/** An invitation to one group is told once in so long. */
const INVITATION_MS = 1_000

/** A leader calls a node that has not opened its group many times a second; the host is told now and then. */
export class InvitationLimit {
  readonly #toldMs = new Map<string, number>()

  allows(group: string, nowMs: number): boolean {
    if (nowMs - (this.#toldMs.get(group) ?? -Infinity) < INVITATION_MS) return false
    this.#toldMs.delete(group)
    if (this.#toldMs.size >= GROUP_COUNT_MAX) this.#toldMs.delete(this.#toldMs.keys().next().value!)
    this.#toldMs.set(group, nowMs)
    return true
  }
}
