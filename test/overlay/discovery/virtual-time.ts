import { RoostError } from '../../../overlay/index.ts'

/** Time that moves when nothing else does, for code that waits by `sleep` alone. */
export class VirtualTime {
  nowMs = 0
  /** From then on whoever sleeps is told that the node has stopped. */
  stopAtMs = Infinity
  readonly #sleepers: { readonly dueMs: number; wake(): void }[] = []

  readonly sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const dueMs = this.nowMs + delayMs
      const stopped = (): void => reject(new RoostError('CANCELLED', 'the node has stopped'))
      if (dueMs < this.stopAtMs) this.#sleepers.push({ dueMs, wake: resolve })
      else this.#sleepers.push({ dueMs: this.stopAtMs, wake: stopped })
    })

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
