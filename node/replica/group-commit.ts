import type { RoostError } from '../../overlay/index.ts'
import { mapDiskError } from '../data/index.ts'
import type { BatchRing } from './batch-ring.ts'

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** What of a database is written through. */
export interface BatchTarget {
  readonly location: string
  batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void>
}

interface Waiting {
  readonly operations: readonly Operation[]
  readonly settled: (error?: RoostError) => void
}

/** What goes to the disk in one batch, beyond the first write: a disk that stood still is not given all at once. */
const BATCH_BYTES_MAX = 8_388_608

/**
 * Group commit: while one batch is being synced, what comes waits, and goes with the next; a sync costs the same for one write and
 * for a thousand. The order of writes is kept. Where a batch fails, what waits behind it fails with it: nothing lands after
 * something that may not have.
 *
 * What may wait is bounded by who writes: a replica has at most `WRITES_PENDING_MAX` writes under way.
 */
export class GroupCommit {
  readonly #target: BatchTarget
  readonly #ring: BatchRing
  #waiting: Waiting[] = []
  #isWriting = false
  #hasFailed = false
  #batchCount = 0
  #writeCount = 0

  constructor(target: BatchTarget, ring: BatchRing) {
    this.#target = target
    this.#ring = ring
  }

  /** Whether the last batch failed. The target mends itself with the next one. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Syncs, and the writes that they were for. */
  get counts(): { readonly batches: number; readonly writes: number } {
    return { batches: this.#batchCount, writes: this.#writeCount }
  }

  /** All of them or none. `settled` is called in the order of writes, never from within this call. */
  write(operations: readonly Operation[], settled: (error?: RoostError) => void): void {
    this.#waiting.push({ operations, settled })
    if (!this.#isWriting) void this.#writeAll()
  }

  /** The same, to wait for. */
  async written(operations: readonly Operation[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.write(operations, (error) => (error ? reject(error) : resolve()))
    await promise
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    // Whoever writes several things in one turn has them in one batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      let group = this.#nextGroup()
      let failure: RoostError | undefined
      try {
        await this.#target.batch([this.#ring.operation(), ...group.flatMap(({ operations }) => operations)], {
          sync: true,
        })
        this.#ring.landed()
        this.#batchCount++
        this.#writeCount += group.length
      } catch (cause) {
        failure = mapDiskError(cause, this.#target.location)
        group = [...group, ...this.#waiting.splice(0)]
      }
      this.#hasFailed = failure !== undefined
      for (const { settled } of group) settled(failure)
    }
    this.#isWriting = false
  }

  #nextGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { operations } of this.#waiting) {
      for (const operation of operations) if (operation.type === 'put') bytes += operation.value.length
      if (count > 0 && bytes > BATCH_BYTES_MAX) break
      count++
    }
    return this.#waiting.splice(0, count)
  }
}
