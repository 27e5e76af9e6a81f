/** Time that moves when nothing else does, for code that waits by `sleep` alone. */
export class VirtualTime {
  nowMs = 0
  readonly #sleepers: { readonly dueMs: number; wake(): void }[] = []

  readonly sleep = (delayMs: number): Promise<void> =>
    new Promise((wake) => void this.#sleepers.push({ dueMs: this.nowMs + delayMs, wake }))

  /** Lets time pass until this settles; what still sleeps then stays asleep. */
  async until<Value>(settling: Promise<Value>): Promise<Value> {
    let isSettled = false
    const settle = (): void => void (isSettled = true)
    settling.then(settle, settle)
    for (;;) {
      // Everything that follows from what happened so far.
      await new Promise((resolve) => setImmediate(resolve))
      if (isSettled) return settling
      const next = this.#sleepers.sort((one, other) => one.dueMs - other.dueMs).shift()
      if (next === undefined) throw new Error('nobody sleeps, and nothing happens')
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      next.wake()
    }
  }
}
