import { RoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'

const WINDOW_MS = 60_000

/** A peer that joins asks once, or a few times where answers are lost. */
export const ATTEMPTS_PER_PEER_MAX = 10

/**
 * All peers together, in a minute: outsiders make as many peer ids as they like. Secrets have 128 bits, so this is not
 * against guessing but bounds the work that strangers can make us do, at about one percent of a core.
 */
export const ATTEMPTS_MAX = 600

/** Counts in windows of a minute; the number of peers that it remembers is bounded by the number of attempts. */
export class AttemptLimit {
  #windowAtMs = Number.NEGATIVE_INFINITY
  #count = 0
  readonly #ofPeer = new Map<PeerId, number>()

  /** Counts one attempt, at a monotonic time. Fails with `BUSY` beyond the bounds. */
  take(peer: PeerId, nowMs: number): void {
    if (nowMs - this.#windowAtMs >= WINDOW_MS) {
      this.#windowAtMs = nowMs
      this.#count = 0
      this.#ofPeer.clear()
    }
    const ofPeer = this.#ofPeer.get(peer) ?? 0
    if (this.#count >= ATTEMPTS_MAX || ofPeer >= ATTEMPTS_PER_PEER_MAX)
      throw new RoostError('BUSY', 'too many attempts to join within a minute', { hint: 'try again in a minute' })
    this.#count++
    this.#ofPeer.set(peer, ofPeer + 1)
  }
}
