import { isNewer, keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { BUCKET_COUNT } from './messages.ts'

/**
 * The descriptors of everyone in one cell, and digests of them that two members compare cheaply. They stand in one array,
 * in the order of their keys turned by half (so that the bits that lead differ in every kind of cell): eight bytes a member, found by
 * guessing the place, since keys are spread evenly. Members fall into buckets by the leading bits; a bucket's digest is the
 * exclusive-or of its members' hashes, kept up to date by each change (a flat Merkle tree).
 */
export class Cell {
  readonly #held: Descriptor[] = []
  readonly #digests: number[] = Array.from({ length: BUCKET_COUNT }, () => 0)

  get count(): number {
    return this.#held.length
  }

  get(peer: PeerId): Descriptor | undefined {
    const index = this.#seek(peer, turned(peerKey(peer)))
    return index < 0 ? undefined : this.#held[index]
  }

  /** In an order that says nothing. */
  descriptors(): readonly Descriptor[] {
    return this.#held
  }

  /** Any, each as likely; undefined where there is none. */
  pick(rng: Rng): Descriptor | undefined {
    return this.#held.length === 0 ? undefined : this.#held[rng.below(this.#held.length)]
  }

  /** Keeps a descriptor unless it is no news. */
  put(descriptor: Descriptor): 'new' | 'newer' | 'old' {
    const place = turned(keyOf(descriptor))
    const index = this.#seek(descriptor.peer, place)
    if (index >= 0) {
      const known = this.#held[index]!
      if (!isNewer(descriptor, known)) return 'old'
      this.#toggle(place, known)
      this.#toggle(place, descriptor)
      this.#held[index] = descriptor
      return 'newer'
    }
    this.#held.splice(~index, 0, descriptor)
    this.#toggle(place, descriptor)
    return 'new'
  }

  remove(peer: PeerId): Descriptor | undefined {
    const place = turned(peerKey(peer))
    const index = this.#seek(peer, place)
    if (index < 0) return undefined
    const [known] = this.#held.splice(index, 1)
    this.#toggle(place, known!)
    return known
  }

  /** Those for which `stays` is false go, and are returned. */
  keepOnly(stays: (descriptor: Descriptor) => boolean): Descriptor[] {
    const gone: Descriptor[] = []
    let kept = 0
    for (const descriptor of this.#held) {
      if (stays(descriptor)) this.#held[kept++] = descriptor
      else {
        gone.push(descriptor)
        this.#toggle(turned(keyOf(descriptor)), descriptor)
      }
    }
    this.#held.length = kept
    return gone
  }

  /** A cell of those for which `belongs` holds. */
  part(belongs: (descriptor: Descriptor) => boolean): Cell {
    const part = new Cell()
    for (const descriptor of this.#held) {
      if (!belongs(descriptor)) continue
      part.#held.push(descriptor)
      part.#toggle(turned(keyOf(descriptor)), descriptor)
    }
    return part
  }

  /** How many members stand between the two, in the order of the cell taken as a ring; either may be missing. */
  distance(one: PeerId, other: PeerId): number {
    const [from, to] = [one, other].map((peer) => {
      const index = this.#seek(peer, turned(peerKey(peer)))
      return index < 0 ? ~index : index
    }) as [number, number]
    const apart = Math.abs(from - to)
    return Math.min(apart, this.#held.length - apart)
  }

  /** One digest for each bucket, as whole numbers of 32 bits with sign. */
  summary(): number[] {
    return this.#digests.slice()
  }

  /** Buckets in which somebody with this summary holds something else. */
  differing(summary: readonly number[]): number[] {
    const buckets: number[] = []
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++)
      if (this.#digests[bucket] !== summary[bucket]) buckets.push(bucket)
    return buckets
  }

  /** The hash of each member in these buckets. */
  hashesIn(buckets: readonly number[]): number[] {
    const hashes: number[] = []
    for (const bucket of buckets) {
      const end = this.#startOf(bucket + 1)
      for (let index = this.#startOf(bucket); index < end; index++) hashes.push(holdingHash(this.#held[index]!))
    }
    return hashes
  }

  /** Against the hashes that another holds in these buckets: what is only here, and the hashes that are only there. */
  compare(buckets: readonly number[], hashes: readonly number[]): { ours: Descriptor[]; theirs: number[] } {
    const theirs = new Set(hashes)
    const ours: Descriptor[] = []
    for (const bucket of new Set(buckets)) {
      const end = this.#startOf(bucket + 1)
      for (let index = this.#startOf(bucket); index < end; index++) {
        const descriptor = this.#held[index]!
        if (!theirs.delete(holdingHash(descriptor))) ours.push(descriptor)
      }
    }
    return { ours, theirs: [...theirs] }
  }

  /** Those whose hashes are wanted. */
  withHashes(hashes: readonly number[]): Descriptor[] {
    const wanted = new Set(hashes)
    return this.#held.filter((descriptor) => wanted.has(holdingHash(descriptor)))
  }

  /** The index of the first member in this bucket or after it. */
  #startOf(bucket: number): number {
    if (bucket >= BUCKET_COUNT) return this.#held.length
    return this.#lowerBound((bucket << BUCKET_SHIFT) ^ SIGN)
  }

  /** Where the peer stands, or the complement of where it would. */
  #seek(peer: PeerId, place: number): number {
    const held = this.#held
    let index = this.#lowerBound(place)
    for (; index < held.length && this.#placeAt(index) === place; index++) if (held[index]!.peer === peer) return index
    return ~index
  }

  /** The index of the first member at `place` or after it: guessed, enclosed by growing steps, then halved. */
  #lowerBound(place: number): number {
    const { length } = this.#held
    const guess = Math.floor(((place + 0x8000_0000) / 0x1_0000_0000) * length)
    let low = 0
    let high = guess
    let step = 2
    if (guess < length && this.#placeAt(guess) < place) {
      low = guess + 1
      high = length
      for (; low + step < high && this.#placeAt(low + step) < place; step *= 2) low += step + 1
      high = Math.min(high, low + step)
    } else {
      for (; high - step >= 0 && this.#placeAt(high - step) >= place; step *= 2) high -= step
      low = Math.max(0, high - step)
    }
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#placeAt(middle) < place) low = middle + 1
      else high = middle
    }
    return low
  }

  #placeAt(index: number): number {
    return turned(keyOf(this.#held[index]!))
  }

  #toggle(place: number, descriptor: Descriptor): void {
    this.#digests[(place ^ SIGN) >>> BUCKET_SHIFT]! ^= holdingHash(descriptor)
  }
}

const SIGN = 0x8000_0000 | 0
const BUCKET_SHIFT = 32 - Math.log2(BUCKET_COUNT)

/** The low half first. In a home cell the high bits of all keys are the same. */
function turned(key: number): number {
  return (key << 16) | (key >>> 16)
}

/** Peer and sequence in 32 bits, with sign. Two that differ look alike once in 2^32. */
export function holdingHash(descriptor: Descriptor): number {
  return hashOfHolding(keyOf(descriptor), descriptor.sequence)
}

/** The same of a peer's key and a sequence number. */
export function hashOfHolding(key: number, sequence: number): number {
  return mix(mix(key ^ 0x5bd1e995, sequence | 0), Math.floor(sequence / 0x1_0000_0000) | 0)
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
