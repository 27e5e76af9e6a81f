import { TICKS_PER_MS } from './clock.ts'

/** Says what is wrong, in words; undefined while all is well. */
export type Check = () => string | undefined

interface Invariant {
  readonly name: string
  readonly check: Check
  readonly everyTicks: number
  dueTicks: number
}

/**
 * What must hold throughout a run. Checks are no events: with or without them a seed gives the same trace. One that holds
 * after every event is looked at after every event; a costly one once in each period, after its first event or at the end of
 * a run.
 */
export class Invariants {
  readonly #always: Invariant[] = []
  readonly #periodic: Invariant[] = []
  /** The earliest time at which a periodic one is due. */
  dueTicks = Infinity

  add(name: string, check: Check, nowTicks: number, everyMs: number | undefined): void {
    if (everyMs === undefined) this.#always.push({ name, check, everyTicks: 0, dueTicks: 0 })
    else {
      const everyTicks = Math.max(1, Math.round(everyMs * TICKS_PER_MS))
      this.#periodic.push({ name, check, everyTicks, dueTicks: nowTicks + everyTicks })
      this.#schedule()
    }
  }

  get hasAlways(): boolean {
    return this.#always.length > 0
  }

  /** The first that is broken after this event. */
  brokenNow(): Broken | undefined {
    return firstBroken(this.#always)
  }

  /** The first periodic one that is due at or before `nowTicks` and broken. */
  brokenBy(nowTicks: number): Broken | undefined {
    const due = this.#periodic.filter((invariant) => invariant.dueTicks <= nowTicks)
    for (const invariant of due)
      invariant.dueTicks +=
        invariant.everyTicks * (1 + Math.floor((nowTicks - invariant.dueTicks) / invariant.everyTicks))
    this.#schedule()
    return firstBroken(due)
  }

  #schedule(): void {
    this.dueTicks = Infinity
    for (const { dueTicks } of this.#periodic) this.dueTicks = Math.min(this.dueTicks, dueTicks)
  }
}

export interface Broken {
  readonly invariant: string
  readonly reason: string
}

function firstBroken(invariants: readonly Invariant[]): Broken | undefined {
  for (const { name, check } of invariants) {
    const reason = check()
    if (reason !== undefined) return { invariant: name, reason }
  }
  return undefined
}
