import { uptime } from 'node:os'

/**
 * Time that only grows, and passes while the machine sleeps. The monotonic clock of Linux stands still then, so that what ends thirty
 * seconds from now would end thirty seconds after an hour's sleep, while others counted the hour: two nodes could hold one lease. How
 * long the machine has been up counts sleep (CLOCK_BOOTTIME, behind /proc/uptime), in hundredths of a second and at the cost of reading
 * a file. So it is looked at now and then, and what it has gained on the monotonic clock is time slept. On other systems this is the
 * monotonic clock alone.
 */
export class SteadyClock {
  readonly #clocks: SystemClocks
  readonly #listeners = new Set<() => void>()
  /** What the machine had slept, or was up before the monotonic clock began, when this clock did. */
  readonly #beforeMs: number
  #sleptMs = 0
  #lookedMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(clocks: SystemClocks) {
    this.#clocks = clocks
    this.#lookedMs = clocks.awakeMs()
    this.#beforeMs = (clocks.upMs?.() ?? 0) - this.#lookedMs
  }

  get nowMs(): number {
    const awakeMs = this.#clocks.awakeMs()
    if (awakeMs - this.#lookedMs >= LOOK_MS) this.#look(awakeMs)
    return awakeMs + this.#sleptMs
  }

  /** Tells when time has leapt because the machine slept. Returns how to stop. */
  onLeap(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => this.nowMs, TURN_MS).unref()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #look(awakeMs: number): void {
    this.#lookedMs = awakeMs
    const upMs = this.#clocks.upMs?.()
    if (upMs === undefined) return
    const sleptMs = upMs - awakeMs - this.#beforeMs
    if (sleptMs - this.#sleptMs < SLEPT_MS_MIN) return
    this.#sleptMs = sleptMs
    for (const listener of this.#listeners) listener()
  }
}

export interface SystemClocks {
  /** Monotonic; may stand still while the machine sleeps. */
  readonly awakeMs: () => number
  /** Monotonic, and counts sleep. Absent where there is none. */
  readonly upMs?: () => number
}

/** Between two looks at most: for so long after it woke a machine may believe that it did not sleep. */
const LOOK_MS = 250
/** How often somebody looks who waits for nothing else. */
const TURN_MS = 1_000
/** Less is what the two clocks differ by in their reading. */
const SLEPT_MS_MIN = 1_000

/** The one of this process. */
export const steadyClock = new SteadyClock({
  awakeMs: () => performance.now(),
  ...(process.platform === 'linux' && { upMs: () => uptime() * 1_000 }),
})
