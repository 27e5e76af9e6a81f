import { isNewer, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { BUCKET_COUNT, HOLDING_COUNT_MAX, type Holding } from './messages.ts'

/**
 * The descriptors of everyone in one cell, and a digest of them that two members compare cheaply. Peers fall into
 * buckets by a hash of their id; a bucket's digest is the exclusive-or of its members' hashes, so that it is kept up to
 * date by each change instead of being computed anew (a flat Merkle tree).
 */
export class Cell {
  readonly #countMax: number
  readonly #descriptors = new Map<PeerId, Descriptor>()
  readonly #buckets: Set<PeerId>[] = Array.from({ length: BUCKET_COUNT }, () => new Set())
  readonly #digests = new Uint32Array(BUCKET_COUNT)

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#descriptors.size
  }

  get(peer: PeerId): Descriptor | undefined {
    return this.#descriptors.get(peer)
  }

  descriptors(): IterableIterator<Descriptor> {
    return this.#descriptors.values()
  }

  /** Keeps a descriptor unless it is no news, or a newcomer finds the cell full. */
  put(descriptor: Descriptor): 'kept' | 'old' | 'full' {
    const known = this.#descriptors.get(descriptor.peer)
    if (!isNewer(descriptor, known)) return 'old'
    if (known === undefined && this.#descriptors.size >= this.#countMax) return 'full'
    const bucket = bucketOf(descriptor.peer)
    if (known !== undefined) this.#toggle(bucket, known)
    this.#toggle(bucket, descriptor)
    this.#buckets[bucket]!.add(descriptor.peer)
    this.#descriptors.set(descriptor.peer, descriptor)
    return 'kept'
  }

  remove(peer: PeerId): boolean {
    const known = this.#descriptors.get(peer)
    if (known === undefined) return false
    const bucket = bucketOf(peer)
    this.#toggle(bucket, known)
    this.#buckets[bucket]!.delete(peer)
    return this.#descriptors.delete(peer)
  }

  /** One digest for each bucket. */
  summary(): number[] {
    return [...this.#digests]
  }

  /** Buckets in which somebody with this summary holds something else. */
  differing(summary: readonly number[]): number[] {
    const buckets: number[] = []
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++)
      if (this.#digests[bucket] !== summary[bucket]) buckets.push(bucket)
    return buckets
  }

  /**
   * What is held in these buckets, as far as whole buckets fit into one page. A bucket that alone is larger than a page is cut: what is
   * left out of it is repaired by pushes and by pages of others, who cut elsewhere.
   */
  page(buckets: readonly number[]): { buckets: number[]; holdings: Holding[] } {
    const taken: number[] = []
    const holdings: Holding[] = []
    for (const bucket of buckets) {
      const peers = this.#buckets[bucket]!
      if (taken.length > 0 && holdings.length + peers.size > HOLDING_COUNT_MAX) break
      taken.push(bucket)
      for (const peer of peers) {
        if (holdings.length === HOLDING_COUNT_MAX) break
        holdings.push({ peer, sequence: this.#descriptors.get(peer)!.sequence })
      }
    }
    return { buckets: taken, holdings }
  }

  /** Against another's holdings in these buckets: what is newer or only here, and who is newer or only there. */
  compare(buckets: readonly number[], holdings: readonly Holding[]): { ours: Descriptor[]; theirs: PeerId[] } {
    const sequences = new Map(holdings.map((holding) => [holding.peer, holding.sequence]))
    const ours: Descriptor[] = []
    for (const bucket of new Set(buckets)) {
      for (const peer of this.#buckets[bucket]!) {
        const descriptor = this.#descriptors.get(peer)!
        if (descriptor.sequence > (sequences.get(peer) ?? -1)) ours.push(descriptor)
      }
    }
    const theirs = [...sequences].flatMap(([peer, sequence]) =>
      sequence > (this.#descriptors.get(peer)?.sequence ?? -1) ? [peer] : [],
    )
    return { ours, theirs }
  }

  #toggle(bucket: number, descriptor: Descriptor): void {
    this.#digests[bucket] = (this.#digests[bucket]! ^ holdingHash(descriptor)) >>> 0
  }
}

function bucketOf(peer: PeerId): number {
  return textHash(peer) % BUCKET_COUNT
}

/** Another seed than the bucket's, and the sequence mixed in. Two different cells look alike once in 2^32. */
function holdingHash({ peer, sequence }: Holding): number {
  const low = sequence >>> 0
  const high = Math.floor(sequence / 0x1_0000_0000) >>> 0
  return mix(mix(textHash(peer) ^ 0x5bd1e995, low), high)
}

/** FNV-1a (Fowler, Noll, Vo), 32 bits, finished by a mixing step. It spreads; it does not protect. */
function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return mix(hash, 0)
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
