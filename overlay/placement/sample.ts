import { keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'

/** Nodes in a sample: enough to tell 64 ranks roughly apart, at 2 KiB a node that keeps one. */
export const SAMPLE_COUNT_MAX = 256

/**
 * Descriptors of random nodes, the ones met last: what layouts are made of. Each peer has its place by its id, and stays there until
 * another of that place is met. So a peer is in it once, with its newest descriptor; a node that is passed around much has no more
 * weight than its place; and who is gone is soon replaced.
 */
export class Sample {
  readonly #places: (Descriptor | undefined)[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(descriptor: Descriptor): void {
    const place = placeOf(keyOf(descriptor))
    const held = this.#places[place]
    if (held?.peer === descriptor.peer && held.sequence > descriptor.sequence) return
    if (held === undefined) this.#count++
    while (this.#places.length <= place) this.#places.push(undefined)
    this.#places[place] = descriptor
  }

  forget(peer: PeerId): void {
    const place = placeOf(peerKey(peer))
    if (this.#places[place]?.peer !== peer) return
    this.#places[place] = undefined
    this.#count--
  }

  /** In the order of their places, whatever the order in which they were met. */
  descriptors(): readonly Descriptor[] {
    return this.#places.filter((descriptor) => descriptor !== undefined)
  }
}

/** Home cells go by the high bits of a key, so that the low ones are still as random within one. */
function placeOf(key: number): number {
  return key & (SAMPLE_COUNT_MAX - 1)
}
