import type { PeerId } from '../env/index.ts'
import { BUCKET_COUNT } from './messages.ts'
import { visitHash } from './terms.ts'
import type { HeldVisit } from './visit.ts'

/**
 * The visits that one cell was paid, and digests by which two members compare them cheaply. Three short arrays in the same order, which
 * means nothing: keys and terms stand beside the visits, since nearly all questions are answered by these two, and to look for them in
 * the visits is to fetch each from memory.
 */
export class GuestBook {
  readonly #countMax: number
  readonly #visits: HeldVisit[] = []
  readonly #keys: number[] = []
  readonly #terms: number[] = []

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
    return this.#keys[index]!
  }

  termAt(index: number): number {
    return this.#terms[index]!
  }

  has(peer: PeerId, key: number, term: number): boolean {
    for (let index = this.#keys.indexOf(key); index >= 0; index = this.#keys.indexOf(key, index + 1))
      if (this.#terms[index] === term && this.#visits[index]!.descriptor.peer === peer) return true
    return false
  }

  put(visit: HeldVisit): 'new' | 'old' | 'full' {
    const { key, term } = visit
    if (this.has(visit.descriptor.peer, key, term)) return 'old'
    if (this.#visits.length >= this.#countMax) return 'full'
    this.#visits.push(visit)
    this.#keys.push(key)
    this.#terms.push(term)
    return 'new'
  }

  /** The others go. */
  keepOnly(stays: Counts): void {
    let kept = 0
    for (let index = 0; index < this.#visits.length; index++) {
      const key = this.#keys[index]!
      const term = this.#terms[index]!
      if (!stays(key, term)) continue
      if (kept < index) {
        this.#visits[kept] = this.#visits[index]!
        this.#keys[kept] = key
        this.#terms[kept] = term
      }
      kept++
    }
    this.#visits.length = kept
    this.#keys.length = kept
    this.#terms.length = kept
  }

  /** For each bucket the exclusive-or of the hashes of those in it that count. */
  summary(counts: Counts): number[] {
    const digests = Array.from({ length: BUCKET_COUNT }, () => 0)
    for (let index = 0; index < this.#keys.length; index++) {
      if (!counts(this.#keys[index]!, this.#terms[index]!)) continue
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
    for (let index = 0; index < this.#keys.length; index++) {
      const hash = this.#hashAt(index)
      const held = hashes.get(bucketOf(hash))
      if (held !== undefined && counts(this.#keys[index]!, this.#terms[index]!)) held.push(hash)
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
    for (let index = 0; index < this.#keys.length; index++) {
      const hash = this.#hashAt(index)
      if (!compared.has(bucketOf(hash)) || theirs.delete(hash)) continue
      if (counts(this.#keys[index]!, this.#terms[index]!)) ours.push(this.#visits[index]!)
    }
    return { ours, theirs: [...theirs] }
  }

  withHashes(hashes: readonly number[]): HeldVisit[] {
    const wanted = new Set(hashes)
    return this.#visits.filter((_visit, index) => wanted.has(this.#hashAt(index)))
  }

  #hashAt(index: number): number {
    return visitHash(this.#keys[index]!, this.#terms[index]!)
  }
}

/** Whether the visit of this key in this term belongs to what is meant. */
export type Counts = (key: number, term: number) => boolean

function bucketOf(hash: number): number {
  return hash >>> BUCKET_SHIFT
}

const BUCKET_SHIFT = 32 - Math.log2(BUCKET_COUNT)
