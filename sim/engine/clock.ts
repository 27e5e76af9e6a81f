/**
 * Virtual time is counted in ticks of 1/1024 ms. Milliseconds, sums and differences of them are then exact in binary: a timer
 * that a protocol measures against `nowMs` is never a rounding error early.
 */
export const TICKS_PER_MS = 1_024

/** The first tick that is not before `ms`. A delay is at least one tick, so that time moves on under whatever repeats itself. */
export function delayTicks(ms: number): number {
  return ms > 0 ? Math.ceil(ms * TICKS_PER_MS) : 1
}

/** Where virtual time stands. One object, read by every node. */
export class Clock {
  nowTicks = 0

  get nowMs(): number {
    return this.nowTicks / TICKS_PER_MS
  }
}
