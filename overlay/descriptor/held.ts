import type { Attributes } from '../attributes/index.ts'
import type { PeerId } from '../env/index.ts'
import type { Descriptor } from './descriptor.ts'

/**
 * A descriptor as a node holds it, once for all of its tables: what its owner said, and beside it, out of sight of whatever
 * encodes, compares or copies it, what has been worked out of that.
 */
export class HeldDescriptor implements Descriptor {
  readonly peer: PeerId
  readonly name: string
  readonly sequence: number
  readonly expiresMs: number
  readonly addresses: readonly string[]
  readonly attributes: Attributes
  readonly signature: Uint8Array
  readonly #key: number
  /** Whoever verified it, for as long as it is the newest that they know of its node. */
  #checkedBy: object | undefined
  /** What the two latest asked for, and who they were. */
  #by: object | undefined
  #derived: unknown
  #byBefore: object | undefined
  #derivedBefore: unknown

  constructor(descriptor: Descriptor) {
    this.peer = descriptor.peer
    this.name = descriptor.name
    this.sequence = descriptor.sequence
    this.expiresMs = descriptor.expiresMs
    this.addresses = descriptor.addresses
    this.attributes = descriptor.attributes
    this.signature = descriptor.signature
    this.#key = peerKey(descriptor.peer)
  }

  static of(descriptor: Descriptor): HeldDescriptor {
    return #key in descriptor ? (descriptor as HeldDescriptor) : new HeldDescriptor(descriptor)
  }

  static key(descriptor: Descriptor): number {
    return #key in descriptor ? (descriptor as HeldDescriptor).#key : peerKey(descriptor.peer)
  }

  static isCheckedBy(descriptor: Descriptor, by: object): boolean {
    return #key in descriptor && (descriptor as HeldDescriptor).#checkedBy === by
  }

  static noteCheck(descriptor: HeldDescriptor, by: object | undefined): void {
    descriptor.#checkedBy = by
  }

  static derived<Value>(descriptor: Descriptor, by: object, derive: (descriptor: Descriptor) => Value): Value {
    if (!(#key in descriptor)) return derive(descriptor)
    const held = descriptor as HeldDescriptor
    if (held.#by === by) return held.#derived as Value
    if (held.#byBefore === by) return held.#derivedBefore as Value
    held.#byBefore = held.#by
    held.#derivedBefore = held.#derived
    held.#by = by
    held.#derived = derive(descriptor)
    return held.#derived as Value
  }
}

/** `peerKey` of the descriptor's peer, worked out once where the descriptor was minted or checked here. */
export function keyOf(descriptor: Descriptor): number {
  return HeldDescriptor.key(descriptor)
}

/**
 * What `derive` makes of a descriptor, worked out once for each of the two latest `by`: a descriptor stands in many tables, and in a
 * simulation on many nodes, that all need the same of it.
 */
export function derivedFrom<Value>(
  descriptor: Descriptor,
  by: object,
  derive: (descriptor: Descriptor) => Value,
): Value {
  return HeldDescriptor.derived(descriptor, by, derive)
}

/**
 * 32 bits of a peer id, from -2^31 to 2^31 - 1, each as likely: FNV-1a (Fowler, Noll and Vo) over its characters, finished by the
 * mixing step of MurmurHash3. It spreads; it does not protect. Two peers of a million share one with probability 1/4000 each.
 */
export function peerKey(peer: PeerId): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < peer.length; index++) hash = Math.imul(hash ^ peer.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
