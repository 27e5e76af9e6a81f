import type { Rng } from '../../overlay/index.ts'

/**
 * Waits that double from `firstMs` up to `lastMs`, each drawn between half of that and the whole, so that those who failed together do
 * not come back together.
 */
export class Backoff {
  readonly #rng: Rng
  readonly #firstMs: number
  readonly #lastMs: number
  #nextMs: number

  constructor(rng: Rng, { firstMs, lastMs }: { firstMs: number; lastMs: number }) {
    this.#rng = rng
    this.#firstMs = firstMs
    this.#lastMs = lastMs
    this.#nextMs = firstMs
  }

  next(): number {
    const wholeMs = this.#nextMs
    this.#nextMs = Math.min(this.#lastMs, wholeMs * 2)
    return Math.ceil(wholeMs * (0.5 + this.#rng.real() / 2))
  }

  reset(): void {
    this.#nextMs = this.#firstMs
  }
}
