/** Longer delays overflow Node's timers, which then fire at once. */
const TIMEOUT_MS_MAX = 2_147_483_647

/**
 * Runs once `delayMs` of monotonic time have passed, never before: Node's timers count whole milliseconds and may be a part
 * of one early. Without a delay it runs late in this turn of the event loop, behind what waits in it. Returns how to cancel.
 */
export function after(delayMs: number, run: () => void): () => void {
  if (delayMs <= 0) {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  }
  const dueMs = performance.now() + delayMs
  const wait = (): NodeJS.Timeout =>
    setTimeout(check, Math.min(TIMEOUT_MS_MAX, Math.max(1, Math.ceil(dueMs - performance.now()))))
  const check = (): void => {
    if (performance.now() >= dueMs) run()
    else timeout = wait()
  }
  let timeout = wait()
  return () => clearTimeout(timeout)
}
