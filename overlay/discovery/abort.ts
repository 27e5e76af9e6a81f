import type { AbortSignalLike } from '../env/index.ts'

/** The little of AbortController that is needed, for code that has none: signal and switch in one. */
export class Abort implements AbortSignalLike {
  #isAborted = false
  readonly #listeners = new Set<() => void>()

  get aborted(): boolean {
    return this.#isAborted
  }

  abort(): void {
    this.#isAborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }
}
