import type { PeerId } from '../env/index.ts'

/** A node that was asked and has not answered. */
export interface OpenQuestion {
  readonly peer: PeerId
  readonly sinceMs: number
  readonly isSlow: boolean
}

/** The questions of one search that are open, in the order in which they were asked, and which of them are slow. */
export class OpenQuestions {
  readonly #slowMs: number
  readonly #open = new Set<{ -readonly [Key in keyof OpenQuestion]: OpenQuestion[Key] }>()
  #slowCount = 0

  constructor(options: { readonly slowMs: number }) {
    this.#slowMs = options.slowMs
  }

  get count(): number {
    return this.#open.size
  }

  /** Questions whose answers can be hoped for. */
  get promptCount(): number {
    return this.#open.size - this.#slowCount
  }

  all(): readonly OpenQuestion[] {
    return [...this.#open]
  }

  add(peer: PeerId, nowMs: number): OpenQuestion {
    const question = { peer, sinceMs: nowMs, isSlow: false }
    this.#open.add(question)
    return question
  }

  close(question: OpenQuestion): void {
    if (this.#open.delete(question) && question.isSlow) this.#slowCount--
  }

  markSlow(nowMs: number): void {
    for (const question of this.#open) {
      if (question.sinceMs + this.#slowMs > nowMs) return
      if (question.isSlow) continue
      question.isSlow = true
      this.#slowCount++
    }
  }

  /** Until the next one becomes slow; nobody who is asked later becomes so earlier. */
  untilSlowMs(nowMs: number): number {
    for (const { isSlow, sinceMs } of this.#open) if (!isSlow) return sinceMs + this.#slowMs - nowMs
    return this.#slowMs
  }
}
