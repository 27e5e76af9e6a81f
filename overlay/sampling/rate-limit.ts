import type { PeerId } from '../env/index.ts'

/** How many peers' buckets may be less than full at a time; beyond it one of them is forgotten and starts afresh. */
const PEER_COUNT_MAX = 512

/**
 * A token bucket for each peer: `burstCount` at once, then one each `intervalMs`. What is refused is dropped unread, so a peer that
 * talks too much only makes its own words worthless. Only those are remembered who spoke within the last moments, which are few: a short
 * list, cleared of the others as it is searched.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #burstCount: number
  #peers: PeerId[] = []
  /** When each one's bucket will be full again. */
  #fullAtMs: number[] = []

  constructor(options: { readonly intervalMs: number; readonly burstCount: number }) {
    this.#intervalMs = options.intervalMs
    this.#burstCount = options.burstCount
  }

  allows(peer: PeerId, nowMs: number): boolean {
    const index = this.#find(peer, nowMs)
    const fullAtMs = index < 0 ? nowMs : this.#fullAtMs[index]!
    if (fullAtMs - nowMs > (this.#burstCount - 1) * this.#intervalMs) return false
    if (index < 0) this.#add(peer, fullAtMs + this.#intervalMs)
    else this.#fullAtMs[index] = fullAtMs + this.#intervalMs
    return true
  }

  /** Mostly it is the only one: a list of one, where a list that grows makes room for seventeen. */
  #add(peer: PeerId, fullAtMs: number): void {
    if (this.#peers.length === 0) {
      this.#peers = [peer]
      this.#fullAtMs = [fullAtMs]
      return
    }
    if (this.#peers.length >= PEER_COUNT_MAX) this.#forget(0)
    this.#peers.push(peer)
    this.#fullAtMs.push(fullAtMs)
  }

  #find(peer: PeerId, nowMs: number): number {
    let found = -1
    for (let index = this.#peers.length - 1; index >= 0; index--)
      if (this.#fullAtMs[index]! <= nowMs) {
        this.#forget(index)
        // The last one took its place.
        if (found === this.#peers.length) found = index
      } else if (this.#peers[index] === peer) found = index
    return found
  }

  #forget(index: number): void {
    const peer = this.#peers.pop()!
    const fullAtMs = this.#fullAtMs.pop()!
    if (index === this.#peers.length) return
    this.#peers[index] = peer
    this.#fullAtMs[index] = fullAtMs
  }
}
