import type { Operation } from './group-commit.ts'
import { damaged, RING, ringKey, seal, unseal, type Range } from './records.ts'

/**
 * How many of the last batches are known by number. LevelDB's own log holds four mebibytes, which is fewer batches than this, if they
 * have half a kibibyte on average.
 */
const RING_COUNT = 8_192

/**
 * Numbers batches. LevelDB skips a part of its log that a disk has changed, and goes on behind it: acknowledged writes would be gone
 * from the middle, and what was written later would be believed. So each batch writes its number over that of the one
 * `RING_COUNT` before it; a number that is missing at the next start is a batch that is.
 */
export class BatchRing {
  #next = 1

  /** Reads the numbers; fails where one is missing. */
  async read(level: { iterator(range: Range): AsyncIterable<[string, Uint8Array]> }): Promise<void> {
    const numbers: number[] = []
    for await (const [key, sealed] of level.iterator(RING)) numbers.push(unseal(key, sealed) as number)
    const last = Math.max(0, ...numbers)
    const first = Math.min(...numbers)
    if (numbers.length > 0 && (last - first + 1 !== numbers.length || numbers.length !== Math.min(last, RING_COUNT)))
      throw damaged(`of the batches ${first} to ${last} only ${numbers.length} are there`)
    this.#next = last + 1
  }

  /** What the next batch takes along. One that fails leaves its number to the one after it. */
  operation(): Operation {
    const key = ringKey(this.#next % RING_COUNT)
    return { type: 'put', key, value: seal(key, this.#next) }
  }

  landed(): void {
    this.#next++
  }
}
