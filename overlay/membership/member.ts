import type { Descriptor } from '../descriptor/index.ts'
import { shuffle, type PeerId, type Rng } from '../env/index.ts'

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

export function isGone(state: MemberState): boolean {
  return state === 'dead' || state === 'left'
}

/** What a node thinks of another. */
export interface Member {
  readonly peer: PeerId
  readonly state: MemberState
  /** Monotonic time since when. */
  readonly sinceMs: number
  /** The newest descriptor of it that we have. */
  readonly descriptor: Descriptor
  /** Of which sequence number the state speaks: the descriptor's, or a later one that it said goodbye under. */
  readonly sequence: number
}

/** A suspicion under way: who shares it, and by when it must be refuted. */
export interface Suspicion {
  readonly sinceMs: number
  readonly from: Set<PeerId>
  deadlineMs: number
}

/**
 * Who is to be probed next: everyone once, in an order drawn anew for each round, newcomers at a random place in what is left of it
 * (SWIM, section 4.3). So the time until a dead node is probed is bounded, not only likely to be short.
 */
export class ProbeOrder {
  readonly #countMax: number
  #order: PeerId[] = []

  /** Who does not fit waits for the next round, which is drawn from all. */
  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  add(peer: PeerId, rng: Rng): void {
    if (this.#order.length >= this.#countMax) return
    const place = rng.below(this.#order.length + 1)
    this.#order.push(peer)
    this.#order[this.#order.length - 1] = this.#order[place]!
    this.#order[place] = peer
  }

  /** Puts a peer first. */
  hasten(peer: PeerId): void {
    if (this.#order.at(-1) !== peer && this.#order.length < this.#countMax) this.#order.push(peer)
  }

  /** The next peer that is still wanted; `all` is where the next round comes from. Undefined where nobody is wanted. */
  next(all: () => PeerId[], isWanted: (peer: PeerId) => boolean, rng: Rng): PeerId | undefined {
    for (let round = 0; round < 2; round++) {
      for (let peer = this.#order.pop(); peer !== undefined; peer = this.#order.pop()) if (isWanted(peer)) return peer
      this.#order = shuffle(all(), rng)
    }
    return undefined
  }
}

/**
 * How long a suspected node has (Lifeguard, section IV-B): long while one node alone suspects it, shorter with each independent
 * confirmation, on a logarithmic scale, down to the least.
 */
export function suspicionTimeoutMs(
  limits: { readonly minMs: number; readonly maxMs: number },
  confirmations: { readonly count: number; readonly wanted: number },
): number {
  if (confirmations.wanted < 1) return limits.minMs
  const share = Math.log(confirmations.count + 1) / Math.log(confirmations.wanted + 1)
  return Math.max(limits.minMs, limits.maxMs - (limits.maxMs - limits.minMs) * share)
}
