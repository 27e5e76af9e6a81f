/** Sleeps as `CallEnv` does: rejects when the protocol is stopped. */
export type Sleep = (delayMs: number) => Promise<void>

/** Something to wait for that may be called early. One waits at a time; a poke that finds nobody waiting is kept for the next. */
export class Waker {
  readonly #sleep: Sleep
  #isPoked = false
  #wake: (() => void) | undefined

  constructor(sleep: Sleep) {
    this.#sleep = sleep
  }

  poke(): void {
    this.#isPoked = true
    this.#wake?.()
  }

  /** Until the time is over or somebody poked. */
  async wait(delayMs: number): Promise<void> {
    if (!this.#isPoked) {
      const poked = new Promise<void>((resolve) => (this.#wake = resolve))
      await Promise.race([this.#sleep(delayMs), poked])
    }
    this.#isPoked = false
    this.#wake = undefined
  }
}

/** Runs what it is given one after the other. What fails fails for its caller alone. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

/** Lets `count` work at a time; the others wait in the order in which they came. */
export class Places {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async with<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#free++
    }
  }
}
