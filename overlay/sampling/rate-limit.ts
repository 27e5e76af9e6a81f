import type { PeerId } from '../env/index.ts'

/** How many peers' buckets may be less than full at a time; beyond it one of them is forgotten and starts afresh. */
const PEER_COUNT_MAX = 512

/**
 * A token bucket for each peer: `burstCount` at once, then one each `intervalMs`. What is refused is dropped unread, so a peer that
 * talks too much only makes its own words worthless. Only those are remembered who spoke within the last moments. That is mostly one at
 * a time, who is kept without a list; lists are cleared of the others as they are searched.
 *
 * Times are whole milliseconds and wrap around after 49 days: only differences are looked at.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #burstCount: number
  /** Who spoke last while there were no lists, and when its bucket will be full again. */
  #peer: PeerId = ''
  #fullAtMs = 0
  #lists: Lists | undefined

  constructor(options: { readonly intervalMs: number; readonly burstCount: number }) {
    this.#intervalMs = Math.ceil(options.intervalMs)
    this.#burstCount = options.burstCount
  }

  allows(peer: PeerId, atMs: number): boolean {
    const nowMs = Math.floor(atMs) | 0
    if (this.#lists !== undefined) return this.#allowsOneOf(this.#lists, peer, nowMs)
    const waitMs = this.#waitMs(this.#fullAtMs, nowMs)
    if (waitMs === 0) {
      this.#peer = peer
      this.#fullAtMs = (nowMs + this.#intervalMs) | 0
      return true
    }
    if (this.#peer === peer) {
      if (waitMs > (this.#burstCount - 1) * this.#intervalMs) return false
      this.#fullAtMs = (this.#fullAtMs + this.#intervalMs) | 0
      return true
    }
    this.#lists = { peers: [this.#peer], fullAtMs: [this.#fullAtMs] }
    return this.#allowsOneOf(this.#lists, peer, nowMs)
  }

  #allowsOneOf(lists: Lists, peer: PeerId, nowMs: number): boolean {
    const { peers, fullAtMs } = lists
    for (let index = peers.length - 1; index >= 0; index--)
      if (this.#waitMs(fullAtMs[index]!, nowMs) === 0) forget(lists, index)
    const index = peers.indexOf(peer)
    if (index >= 0) {
      if (this.#waitMs(fullAtMs[index]!, nowMs) > (this.#burstCount - 1) * this.#intervalMs) return false
      fullAtMs[index] = (fullAtMs[index]! + this.#intervalMs) | 0
    } else if (peers.length === 0) {
      this.#lists = undefined
      this.#peer = peer
      this.#fullAtMs = (nowMs + this.#intervalMs) | 0
    } else {
      if (peers.length >= PEER_COUNT_MAX) forget(lists, 0)
      peers.push(peer)
      fullAtMs.push((nowMs + this.#intervalMs) | 0)
    }
    return true
  }

  /** How long until a bucket is full. What is further off than it can be is of long ago. */
  #waitMs(fullAtMs: number, nowMs: number): number {
    const waitMs = (fullAtMs - nowMs) | 0
    return waitMs > 0 && waitMs <= this.#burstCount * this.#intervalMs ? waitMs : 0
  }
}

interface Lists {
  readonly peers: PeerId[]
  /** When each one's bucket will be full again. */
  readonly fullAtMs: number[]
}

/** The last one takes its place. */
function forget({ peers, fullAtMs }: Lists, index: number): void {
  const peer = peers.pop()!
  const lastFullAtMs = fullAtMs.pop()!
  if (index === peers.length) return
  peers[index] = peer
  fullAtMs[index] = lastFullAtMs
}
