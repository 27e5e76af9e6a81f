import type { Descriptor } from '../descriptor/index.ts'
import type { Surroundings } from '../env/index.ts'
import type { Plan } from '../placement/index.ts'
import type { CandidateSource, Seeking, SeekOptions, Trail } from './source.ts'

/** Candidates from descriptors that are at hand: nobody is asked. */
export class LocalSource implements CandidateSource {
  readonly #descriptors: readonly Descriptor[]
  readonly #surroundings: Surroundings

  constructor(descriptors: readonly Descriptor[], surroundings: Surroundings) {
    this.#descriptors = descriptors
    this.#surroundings = surroundings
  }

  seek(plan: Plan, options: SeekOptions): Seeking {
    return new LocalSeeking([...this.#descriptors], plan, this.#surroundings, options)
  }
}

/** Draws one after another, so that a query for a few does not look at all, and nobody is always first. */
class LocalSeeking implements Seeking {
  readonly #left: Descriptor[]
  readonly #plan: Plan
  readonly #surroundings: Surroundings
  readonly #options: SeekOptions
  #heldCount = 0

  constructor(left: Descriptor[], plan: Plan, surroundings: Surroundings, options: SeekOptions) {
    this.#left = left
    this.#plan = plan
    this.#surroundings = surroundings
    this.#options = options
  }

  get isExhausted(): boolean {
    return this.#left.length === 0
  }

  get trail(): Trail {
    return {
      grouping: [],
      cellCount: 1,
      contactCount: 0,
      roundTripCount: 0,
      heldCount: this.#heldCount,
      failedCount: 0,
    }
  }

  async more(count: number): Promise<void> {
    const admitted: Descriptor[] = []
    const ruledOut: string[] = []
    while (admitted.length < count && this.#left.length > 0) {
      const descriptor = this.#draw()
      if (this.#options.except.has(descriptor.peer)) continue
      this.#heldCount++
      if (this.#plan.admits(descriptor, this.#surroundings)) admitted.push(descriptor)
      else ruledOut.push(descriptor.peer)
    }
    if (ruledOut.length > 0) this.#options.onRuledOut(ruledOut)
    if (admitted.length > 0) this.#options.onFound(admitted)
  }

  #draw(): Descriptor {
    const index = this.#surroundings.rng.below(this.#left.length)
    const drawn = this.#left[index]!
    this.#left[index] = this.#left.at(-1)!
    this.#left.pop()
    return drawn
  }
}
