import type { PeerId, Surroundings } from '../env/index.ts'

/**
 * Unix time as most of a few others have it. Terms go by it, so a node whose clock is hours off is guest and host at the right time;
 * that its home cell chose these others, and not they themselves, keeps liars few among them, and a median does not care for few.
 */
export class GridClock {
  /** The newest last: whose word, and how far from our own clock it was. */
  readonly #words: { readonly peer: PeerId; readonly aheadMs: number }[] = []
  #aheadMs = 0

  /** A peer that we chose to ask said what its clock shows. */
  note(peer: PeerId, theirWallMs: number, { wallMs }: Surroundings): void {
    const known = this.#words.findIndex((word) => word.peer === peer)
    if (known >= 0) this.#words.splice(known, 1)
    else if (this.#words.length >= WORD_COUNT_MAX) this.#words.shift()
    this.#words.push({ peer, aheadMs: theirWallMs - wallMs })
    const sorted = this.#words.map(({ aheadMs }) => aheadMs).sort((one, other) => one - other)
    this.#aheadMs = sorted.length < WORD_COUNT_MIN ? 0 : sorted[sorted.length >> 1]!
  }

  wallMs(surroundings: Surroundings): number {
    return surroundings.wallMs + this.#aheadMs
  }
}

/** Where one in ten lies, eight of fifteen do once in 30,000 draws. */
const WORD_COUNT_MAX = 15
/** Fewer are not heard. */
const WORD_COUNT_MIN = 5
