import { steadyClock, type SteadyClock } from '../clock/index.ts'

/** Longer delays overflow Node's timers, which then fire at once. */
const TIMEOUT_MS_MAX = 2_147_483_647

/**
 * Runs once `delayMs` of monotonic time have passed, sleep included, never before: Node's timers count whole milliseconds and may be
 * a part of one early. Without a delay it runs late in this turn of the event loop, behind what waits in it. Returns how to cancel.
 */
export type After = (delayMs: number, run: () => void) => () => void

/** Timers by a clock. Node's stand still while the machine sleeps: what fell due meanwhile runs right after it, in its order. */
export function timersBy(clock: SteadyClock): After {
  /** How to set each anew, and when it is due. */
  const pending = new Map<() => void, number>()
  let isListening = false
  const listen = (): void => {
    if (isListening) return
    isListening = true
    clock.onLeap(() => {
      for (const [setAnew] of [...pending].toSorted(([, one], [, other]) => one - other)) setAnew()
    })
  }
  return (delayMs, run) => {
    if (delayMs <= 0) {
      const immediate = setImmediate(run)
      return () => clearImmediate(immediate)
    }
    const dueMs = clock.nowMs + delayMs
    const wait = (): NodeJS.Timeout =>
      setTimeout(check, Math.min(TIMEOUT_MS_MAX, Math.max(1, Math.ceil(dueMs - clock.nowMs))))
    const check = (): void => {
      if (clock.nowMs < dueMs) {
        timeout = wait()
        return
      }
      pending.delete(setAnew)
      run()
    }
    const setAnew = (): void => {
      clearTimeout(timeout)
      timeout = wait()
    }
    let timeout = wait()
    pending.set(setAnew, dueMs)
    listen()
    return () => {
      pending.delete(setAnew)
      clearTimeout(timeout)
    }
  }
}

export const after = timersBy(steadyClock)
