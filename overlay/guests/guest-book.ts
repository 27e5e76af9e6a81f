import type { PeerId } from '../env/index.ts'
import { BUCKET_COUNT } from './messages.ts'
import { visitHash } from './terms.ts'
import type { HeldVisit } from './visit.ts'

/**
 * The visits that one cell was paid, and digests by which two members compare them cheaply. They are in an order that
 * means nothing. Keys and terms stand beside the visits, since nearly all questions are answered by these two, and to look for them in
 * the visits is to fetch each from memory.
 */
export class GuestBook {
  readonly #countMax: number
  readonly #visits: HeldVisit[] = []
  /** For each visit in turn its key and its term. */
  #marks = new Int32Array(0)

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#visits.length
  }

  /** Those that stand at 0 to before `count`. */
  at(index: number): HeldVisit | undefined {
    return this.#visits[index]
  }

  keyAt(index: number): number {
    return this.#marks[2 * index]!
  }

  termAt(index: number): number {
    return this.#marks[2 * index + 1]!
  }

  has(peer: PeerId, key: number, term: number): boolean {
    for (let index = 0; index < this.count; index++)
      if (this.keyAt(index) === key && this.termAt(index) === term && this.#visits[index]!.descriptor.peer === peer)
        return true
    return false
  }

  put(visit: HeldVisit): 'new' | 'old' | 'full' {
    const { key, term } = visit
    if (this.has(visit.descriptor.peer, key, term)) return 'old'
    if (this.#visits.length >= this.#countMax) return 'full'
    if (2 * this.count === this.#marks.length) this.#makeRoom()
    this.#marks[2 * this.count] = key
    this.#marks[2 * this.count + 1] = term
    this.#visits.push(visit)
    return 'new'
  }

  /** The others go. */
  keepOnly(stays: Counts): void {
    let kept = 0
    for (let index = 0; index < this.count; index++) {
      if (!stays(this.keyAt(index), this.termAt(index))) continue
      this.#visits[kept] = this.#visits[index]!
      this.#marks.copyWithin(2 * kept, 2 * index, 2 * index + 2)
      kept++
    }
    this.#visits.length = kept
  }

  /** For each bucket the exclusive-or of the hashes of those in it that count. */
  summary(counts: Counts): number[] {
    const digests = Array.from({ length: BUCKET_COUNT }, () => 0)
    for (let index = 0; index < this.count; index++) {
      if (!counts(this.keyAt(index), this.termAt(index))) continue
      const hash = this.#hashAt(index)
      digests[bucketOf(hash)]! ^= hash
    }
    return digests
  }

  /** The hashes of those that count, in each bucket in which somebody with this summary holds something else. */
  differing(digests: readonly number[], counts: Counts): ReadonlyMap<number, readonly number[]> {
    const hashes = new Map<number, number[]>()
    for (const [bucket, digest] of this.summary(counts).entries())
      if (digest !== digests[bucket]) hashes.set(bucket, [])
    if (hashes.size === 0) return hashes
    for (let index = 0; index < this.count; index++) {
      const hash = this.#hashAt(index)
      const held = hashes.get(bucketOf(hash))
      if (held !== undefined && counts(this.keyAt(index), this.termAt(index))) held.push(hash)
    }
    return hashes
  }

  /** Against the hashes that another holds in these buckets: what is only here, and the hashes that are only there. */
  compare(
    buckets: readonly number[],
    hashes: readonly number[],
    counts: Counts,
  ): { readonly ours: HeldVisit[]; readonly theirs: number[] } {
    const compared = new Set(buckets)
    const theirs = new Set(hashes)
    const ours: HeldVisit[] = []
    for (let index = 0; index < this.count; index++) {
      const hash = this.#hashAt(index)
      if (!compared.has(bucketOf(hash)) || theirs.delete(hash)) continue
      if (counts(this.keyAt(index), this.termAt(index))) ours.push(this.#visits[index]!)
    }
    return { ours, theirs: [...theirs] }
  }

  withHashes(hashes: readonly number[]): HeldVisit[] {
    const wanted = new Set(hashes)
    return this.#visits.filter((_visit, index) => wanted.has(this.#hashAt(index)))
  }

  /** By quarters: a grid has a great many books. */
  #makeRoom(): void {
    const roomier = new Int32Array(this.#marks.length + Math.max(ROOM_MIN, (this.#marks.length >> 3) << 1))
    roomier.set(this.#marks)
    this.#marks = roomier
  }

  #hashAt(index: number): number {
    return visitHash(this.keyAt(index), this.termAt(index))
  }
}

/** Whether the visit of this key in this term belongs to what is meant. */
export type Counts = (key: number, term: number) => boolean

function bucketOf(hash: number): number {
  return hash >>> BUCKET_SHIFT
}

const ROOM_MIN = 16
const BUCKET_SHIFT = 32 - Math.log2(BUCKET_COUNT)
