import { BUCKET_COUNT } from './messages.ts'
import { visitHash } from './terms.ts'
import type { HeldVisit } from './visit.ts'

/**
 * The visits that one cell was paid, and digests by which two members compare them cheaply. Two short arrays in no order, searched by
 * key: a node is told of a guest a few times a second, and asked to compare a few times a minute.
 */
export class GuestBook {
  readonly #countMax: number
  readonly #visits: HeldVisit[] = []
  readonly #keys: number[] = []

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#visits.length
  }

  /** In no order. */
  visits(): readonly HeldVisit[] {
    return this.#visits
  }

  has(visit: { readonly key: number; readonly term: number; readonly descriptor: { readonly peer: string } }): boolean {
    for (let index = this.#keys.indexOf(visit.key); index >= 0; index = this.#keys.indexOf(visit.key, index + 1)) {
      const held = this.#visits[index]!
      if (held.term === visit.term && held.descriptor.peer === visit.descriptor.peer) return true
    }
    return false
  }

  put(visit: HeldVisit): 'new' | 'old' | 'full' {
    if (this.has(visit)) return 'old'
    if (this.#visits.length >= this.#countMax) return 'full'
    this.#visits.push(visit)
    this.#keys.push(visit.key)
    return 'new'
  }

  /** The others go. */
  keepOnly(stays: (visit: HeldVisit) => boolean): void {
    let kept = 0
    for (let index = 0; index < this.#visits.length; index++) {
      const visit = this.#visits[index]!
      if (!stays(visit)) continue
      this.#visits[kept] = visit
      this.#keys[kept++] = visit.key
    }
    this.#visits.length = kept
    this.#keys.length = kept
  }

  /** For each bucket the exclusive-or of the hashes of those in it that `counts`. */
  summary(counts: Counts): number[] {
    const digests = Array.from({ length: BUCKET_COUNT }, () => 0)
    for (const visit of this.#visits) {
      if (!counts(visit)) continue
      const hash = hashOf(visit)
      digests[bucketOf(hash)]! ^= hash
    }
    return digests
  }

  /** Buckets in which somebody with this summary holds something else. */
  differing(digests: readonly number[], counts: Counts): number[] {
    const ours = this.summary(counts)
    return ours.flatMap((digest, bucket) => (digest === digests[bucket] ? [] : [bucket]))
  }

  /** Of those in these buckets. */
  hashesIn(buckets: readonly number[], counts: Counts): number[] {
    return this.#visits.flatMap((visit) => {
      const hash = hashOf(visit)
      return buckets.includes(bucketOf(hash)) && counts(visit) ? [hash] : []
    })
  }

  /** Against the hashes that another holds in these buckets: what is only here, and the hashes that are only there. */
  compare(
    buckets: readonly number[],
    hashes: readonly number[],
    counts: Counts,
  ): { readonly ours: HeldVisit[]; readonly theirs: number[] } {
    const theirs = new Set(hashes)
    const ours: HeldVisit[] = []
    for (const visit of this.#visits) {
      const hash = hashOf(visit)
      if (buckets.includes(bucketOf(hash)) && !theirs.delete(hash) && counts(visit)) ours.push(visit)
    }
    return { ours, theirs: [...theirs] }
  }

  withHashes(hashes: readonly number[]): HeldVisit[] {
    const wanted = new Set(hashes)
    return this.#visits.filter((visit) => wanted.has(hashOf(visit)))
  }
}

/** Whether a visit belongs to what is compared. */
export type Counts = (visit: HeldVisit) => boolean

function hashOf({ key, term }: HeldVisit): number {
  return visitHash(key, term)
}

function bucketOf(hash: number): number {
  return hash >>> BUCKET_SHIFT
}

const BUCKET_SHIFT = 32 - Math.log2(BUCKET_COUNT)
