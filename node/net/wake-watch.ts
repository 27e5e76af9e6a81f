/**
 * Notices that this machine slept, or this process stood still: connections from before are most likely dead, since others took
 * this node for dead and ended them. Monotonic time shows a process that was stopped, and sleep where it counts that; elsewhere
 * the time of day shows it. A clock that is set forward by as much looks the same, and costs new connections.
 */

const LOOK_MS = 1_000
/** Shorter pauses happen to busy machines; after longer ones others have buried this node. */
export const SLEPT_MS_MIN = 15_000

export interface WakeWatchDependencies {
  readonly nowMs: () => number
  readonly wallMs: () => number
  readonly onWake: (sleptMs: number) => void
}

export class WakeWatch {
  readonly #dependencies: WakeWatchDependencies
  #timer: NodeJS.Timeout | undefined
  #lookedMs = 0
  #lookedWallMs = 0

  constructor(dependencies: WakeWatchDependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#note()
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Called about once a second. */
  look(): void {
    const { nowMs, wallMs, onWake } = this.#dependencies
    const passedMs = Math.max(nowMs() - this.#lookedMs, wallMs() - this.#lookedWallMs)
    this.#note()
    if (passedMs - LOOK_MS >= SLEPT_MS_MIN) onWake(passedMs)
  }

  #note(): void {
    this.#lookedMs = this.#dependencies.nowMs()
    this.#lookedWallMs = this.#dependencies.wallMs()
  }
}
