import type { PeerId } from '../env/index.ts'

/** How many peers' rates are remembered; beyond it the one that came first is forgotten and starts afresh. */
const PEER_COUNT_MAX = 4_096

/**
 * A token bucket for each peer: `burstCount` at once, then one each `intervalMs`. What is refused is dropped unread, so a peer that
 * talks too much only makes its own words worthless.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #burstCount: number
  /** When each peer's bucket would be full again. */
  readonly #fullAtMs = new Map<PeerId, number>()

  constructor(options: { readonly intervalMs: number; readonly burstCount: number }) {
    this.#intervalMs = options.intervalMs
    this.#burstCount = options.burstCount
  }

  allows(peer: PeerId, nowMs: number): boolean {
    const fullAtMs = Math.max(this.#fullAtMs.get(peer) ?? nowMs, nowMs)
    if (fullAtMs - nowMs > (this.#burstCount - 1) * this.#intervalMs) return false
    if (!this.#fullAtMs.has(peer) && this.#fullAtMs.size >= PEER_COUNT_MAX)
      this.#fullAtMs.delete(this.#fullAtMs.keys().next().value!)
    this.#fullAtMs.set(peer, fullAtMs + this.#intervalMs)
    return true
  }
}
