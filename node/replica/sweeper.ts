import type { Operation } from './group-commit.ts'
import type { Range } from './records.ts'

/** Keys that are deleted in one go: syncs wait for no more than that. */
const SWEEP_COUNT = 1_024

export interface Swept {
  keys(range: Range & { readonly limit: number }): { all(): Promise<string[]> }
  batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void>
}

/**
 * Deletes what counts no more, in the background and without a sync: whoever names a range has made sure on the disk that nothing in it is
 * read again, and a range that a crash leaves is named again at the next start.
 */
export class Sweeper {
  readonly #level: Swept
  readonly #ranges: Range[] = []
  #sweeping: Promise<void> | undefined
  #isEnded = false

  constructor(level: Swept) {
    this.#level = level
  }

  sweep(...ranges: readonly Range[]): void {
    this.#ranges.push(...ranges)
    if (!this.#isEnded) this.#sweeping ??= this.#run().finally(() => (this.#sweeping = undefined))
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#sweeping
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    for (let range = this.#ranges[0]; range !== undefined && !this.#isEnded; range = this.#ranges[0]) {
      try {
        const keys = await this.#level.keys({ ...range, limit: SWEEP_COUNT }).all()
        if (keys.length > 0)
          await this.#level.batch(
            keys.map((key) => ({ type: 'del', key })),
            { sync: false },
          )
        if (keys.length < SWEEP_COUNT) this.#ranges.shift()
        else this.#ranges[0] = { gte: keys.at(-1)!, lt: range.lt }
      } catch {
        // A disk that fails now is swept with the next range, or at the next start.
        return
      }
    }
  }
}
