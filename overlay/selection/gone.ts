import { keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { hashOfHolding } from './batch.ts'
import type { Claim } from './messages.ts'

/** Nodes remembered as gone; beyond it the one heard of longest ago is forgotten. */
export const GONE_COUNT_MAX = 128

/**
 * Who was said to be gone, and as of which word: so that word from before does not bring them back from those who have not heard. A ring,
 * searched from end to end by key.
 */
export class Gone {
  readonly #keys: number[] = []
  readonly #peers: PeerId[] = []
  readonly #sequences: number[] = []
  #next = 0

  /** Whether that is news. */
  add({ peer, sequence }: Claim): boolean {
    const key = peerKey(peer)
    const index = this.#keys.indexOf(key)
    if (index >= 0 && this.#sequences[index]! >= sequence) return false
    const place = index >= 0 ? index : this.#next
    this.#keys[place] = key
    this.#peers[place] = peer
    this.#sequences[place] = sequence
    if (index < 0) this.#next = (this.#next + 1) % GONE_COUNT_MAX
    return true
  }

  /** Whether its node was said to be gone after this word. */
  has(descriptor: Descriptor, key = keyOf(descriptor)): boolean {
    if (this.#keys.length === 0) return false
    const index = this.#keys.indexOf(key)
    return index >= 0 && this.#sequences[index]! >= descriptor.sequence
  }

  /** What is claimed of the descriptors whose hashes another holds. */
  claimsByHash(): ReadonlyMap<number, Claim> {
    const claims = new Map<number, Claim>()
    for (const [index, peer] of this.#peers.entries()) {
      const sequence = this.#sequences[index]!
      claims.set(hashOfHolding(this.#keys[index]!, sequence), { peer, sequence })
    }
    return claims
  }
}
