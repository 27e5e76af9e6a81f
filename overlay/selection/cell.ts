import { isNewer, keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { Batch, holdingHash, placeOf } from './batch.ts'
import { BUCKET_COUNT } from './messages.ts'

/**
 * The descriptors of everyone in one cell, and digests of them that two members compare cheaply. They stand in one array,
 * in the order of their places (`placeOf`: the bits that lead differ in every kind of cell): sixteen bytes a member, found by
 * guessing the place, since keys are spread evenly. Members fall into buckets by the leading bits; a bucket's digest is the
 * exclusive-or of its members' hashes, kept up to date by each change (a flat Merkle tree). News is handed on by parts of the
 * same order.
 */
export class Cell {
  #held: Descriptor[] = []
  /** For each of them in turn its place and its hash, as in a `Batch`. */
  #marks = new Int32Array(MARKS_FEW)
  readonly #digests: number[] = Array.from({ length: BUCKET_COUNT }, () => 0)

  get count(): number {
    return this.#held.length
  }

  get(peer: PeerId): Descriptor | undefined {
    const index = this.#seek(peer, placeOf(peerKey(peer)))
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
  put(
    descriptor: Descriptor,
    place = placeOf(keyOf(descriptor)),
    hash = holdingHash(descriptor),
  ): 'new' | 'newer' | 'old' {
    const index = this.#seek(descriptor.peer, place)
    if (index < 0) {
      this.#insert(~index, descriptor, place, hash)
      return 'new'
    }
    if (!isNewer(descriptor, this.#held[index])) return 'old'
    this.#toggle(index)
    this.#held[index] = descriptor
    this.#marks[2 * index + 1] = hash
    this.#toggle(index)
    return 'newer'
  }

  /** Whether `put` would say that it is old. */
  hasHeard(descriptor: Descriptor, place: number): boolean {
    const index = this.#lowerBound(place)
    if (index >= this.count || this.#marks[2 * index] !== place) return false
    const found = this.#seek(descriptor.peer, place)
    return found >= 0 && !isNewer(descriptor, this.#held[found])
  }

  remove(peer: PeerId): Descriptor | undefined {
    const index = this.#seek(peer, placeOf(peerKey(peer)))
    if (index < 0) return undefined
    this.#toggle(index)
    this.#marks.copyWithin(2 * index, 2 * index + 2, 2 * this.count)
    return this.#held.splice(index, 1)[0]
  }

  /** Those for which `stays` is false go, and are returned. */
  keepOnly(stays: (descriptor: Descriptor) => boolean): Descriptor[] {
    const gone: Descriptor[] = []
    const kept: Descriptor[] = []
    for (const [index, descriptor] of this.#held.entries()) {
      if (stays(descriptor)) {
        this.#marks.copyWithin(2 * kept.length, 2 * index, 2 * index + 2)
        kept.push(descriptor)
      } else {
        this.#toggle(index)
        gone.push(descriptor)
      }
    }
    // A copy has no room to spare: a cell splits once and is then held for long.
    this.#held = kept.slice()
    this.#marks = this.#marks.slice(0, 2 * kept.length)
    return gone
  }

  /** A cell of those for which `belongs` holds. */
  part(belongs: (descriptor: Descriptor) => boolean): Cell {
    const part = new Cell()
    for (const [index, descriptor] of this.#held.entries())
      if (belongs(descriptor))
        part.#insert(part.count, descriptor, this.#marks[2 * index]!, this.#marks[2 * index + 1]!)
    return part
  }

  /** How many members stand between the two, in the order of the cell taken as a ring; either may be missing. */
  distance(one: PeerId, other: PeerId): number {
    const [from, to] = [one, other].map((peer) => {
      const index = this.#seek(peer, placeOf(peerKey(peer)))
      return index < 0 ? ~index : index
    }) as [number, number]
    const apart = Math.abs(from - to)
    return Math.min(apart, this.#held.length - apart)
  }

  // The cell in parts, by the leading bits of places.

  /** How many parts of `bits` leading bits there are: so that there are about as many as members in each. */
  get partBits(): number {
    return Math.min(PART_BITS_MAX, Math.round(Math.log2(this.count) / 2))
  }

  /** The members whose places begin with these bits. */
  partAt(part: number, bits: number): Descriptor[] {
    return this.#held.slice(this.#startOf(part, bits), this.#startOf(part + 1, bits))
  }

  /** The members in the part of a node with this key. */
  partOf(key: number, bits: number): Descriptor[] {
    return this.partAt(bits === 0 ? 0 : (placeOf(key) ^ SIGN) >>> (32 - bits), bits)
  }

  // Digests.

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
      const end = this.#startOf(bucket + 1, BUCKET_BITS)
      for (let index = this.#startOf(bucket, BUCKET_BITS); index < end; index++)
        hashes.push(this.#marks[2 * index + 1]!)
    }
    return hashes
  }

  /** Against the hashes that another holds in these buckets: what is only here, and the hashes that are only there. */
  compare(buckets: readonly number[], hashes: readonly number[]): { ours: Batch; theirs: number[] } {
    const theirs = new Set(hashes)
    const ours = new Batch()
    for (const bucket of new Set(buckets)) {
      const end = this.#startOf(bucket + 1, BUCKET_BITS)
      for (let index = this.#startOf(bucket, BUCKET_BITS); index < end; index++)
        if (!theirs.delete(this.#marks[2 * index + 1]!)) this.#copy(index, ours)
    }
    return { ours, theirs: [...theirs] }
  }

  /** Those whose hashes are wanted. */
  withHashes(hashes: readonly number[]): Batch {
    const wanted = new Set(hashes)
    const found = new Batch()
    for (let index = 0; index < this.count; index++)
      if (wanted.has(this.#marks[2 * index + 1]!)) this.#copy(index, found)
    return found
  }

  #copy(index: number, to: Batch): void {
    to.add(this.#held[index]!, this.#marks[2 * index]!, this.#marks[2 * index + 1]!)
  }

  /** The index of the first member in this part, or after it where it is empty. */
  #startOf(part: number, bits: number): number {
    if (part >= 1 << bits) return this.count
    return part === 0 ? 0 : this.#lowerBound((part << (32 - bits)) ^ SIGN)
  }

  /** Where the peer stands, or the complement of where it would. */
  #seek(peer: PeerId, place: number): number {
    let index = this.#lowerBound(place)
    for (; index < this.count && this.#marks[2 * index] === place; index++)
      if (this.#held[index]!.peer === peer) return index
    return ~index
  }

  /** The index of the first member at `place` or after it: guessed, enclosed by growing steps, then halved. */
  #lowerBound(place: number): number {
    const marks = this.#marks
    const { length } = this.#held
    const guess = Math.floor(((place + 0x8000_0000) / 0x1_0000_0000) * length)
    let low = 0
    let high = guess
    let step = 2
    if (guess < length && marks[2 * guess]! < place) {
      low = guess + 1
      high = length
      for (; low + step < high && marks[2 * (low + step)]! < place; step *= 2) low += step + 1
      high = Math.min(high, low + step)
    } else {
      for (; high - step >= 0 && marks[2 * (high - step)]! >= place; step *= 2) high -= step
      low = Math.max(0, high - step)
    }
    while (low < high) {
      const middle = (low + high) >>> 1
      if (marks[2 * middle]! < place) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert(index: number, descriptor: Descriptor, place: number, hash: number): void {
    const end = 2 * this.count
    if (end === this.#marks.length) this.#marks = withRoom(this.#marks)
    this.#marks.copyWithin(2 * index + 2, 2 * index, end)
    this.#marks[2 * index] = place
    this.#marks[2 * index + 1] = hash
    const held = this.#held
    held.push(descriptor)
    for (let at = held.length - 1; at > index; at--) held[at] = held[at - 1]!
    held[index] = descriptor
    this.#toggle(index)
  }

  /** Into the digest of its bucket, or out of it. */
  #toggle(index: number): void {
    this.#digests[(this.#marks[2 * index]! ^ SIGN) >>> (32 - BUCKET_BITS)]! ^= this.#marks[2 * index + 1]!
  }
}

const SIGN = 0x8000_0000 | 0
const BUCKET_BITS = Math.log2(BUCKET_COUNT)
/** A message for each part of a cell is about what one member should have to send. */
const PART_BITS_MAX = 5
/** Numbers for the first members of a cell; room for more comes by quarters, since a grid has a great many cells. */
const MARKS_FEW = 8

function withRoom(marks: Int32Array): Int32Array<ArrayBuffer> {
  const roomier = new Int32Array(marks.length + Math.max(MARKS_FEW, (marks.length >> 3) << 1))
  roomier.set(marks)
  return roomier
}
