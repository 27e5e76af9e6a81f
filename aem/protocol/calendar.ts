import type { UnitId } from './ids.ts'
import type { Capacity } from './ports.ts'

/**
 * A node's resource manager: what it has promised to whom. A hold is a promise with an end, a confirmed unit one without. The sum of all
 * promises never exceeds what the node has, so that two controllers never get the same core. Every promise takes at least one core, which
 * bounds their number. (Promises for a later time come in here.)
 */
export class Calendar {
  readonly #capacity: Capacity
  readonly #promises = new Map<UnitId, UnitPromise>()

  constructor(capacity: Capacity) {
    this.#capacity = capacity
  }

  /** Holds room until `untilMs`, or begins the unit's hold anew; a reason where there is no room. A confirmed unit stays confirmed. */
  hold(unitId: UnitId, needed: Capacity, times: { nowMs: number; untilMs: number }): string | undefined {
    const before = this.#promises.get(unitId)
    if (before?.untilMs === undefined && before) return undefined
    this.#promises.delete(unitId)
    const free = this.free(times.nowMs)
    if (free.cores < needed.cores) return `${needed.cores} cores wanted, ${free.cores} free`
    if (free.memoryBytes < needed.memoryBytes)
      return `${needed.memoryBytes} bytes of memory wanted, ${free.memoryBytes} free`
    this.#promises.set(unitId, { ...needed, untilMs: times.untilMs })
    return undefined
  }

  /** Makes a hold of at least this much last until `release`; a reason where there is none, or not any more. */
  confirm(unitId: UnitId, needed: Capacity, nowMs: number): string | undefined {
    this.#expire(nowMs)
    const held = this.#promises.get(unitId)
    if (!held) return 'nothing is held for it, or not any more'
    if (held.cores < needed.cores || held.memoryBytes < needed.memoryBytes) return 'less is held for it than it needs'
    this.#promises.set(unitId, { cores: needed.cores, memoryBytes: needed.memoryBytes })
    return undefined
  }

  /** Takes up the promise to a unit that was confirmed in an earlier life, even where the node has shrunk since. */
  restore(unitId: UnitId, needed: Capacity): void {
    this.#promises.set(unitId, { cores: needed.cores, memoryBytes: needed.memoryBytes })
  }

  release(unitId: UnitId): void {
    this.#promises.delete(unitId)
  }

  /** What may still be promised. */
  free(nowMs: number): Capacity {
    this.#expire(nowMs)
    let { cores, memoryBytes } = this.#capacity
    for (const promise of this.#promises.values()) {
      cores -= promise.cores
      memoryBytes -= promise.memoryBytes
    }
    return { cores: Math.max(0, cores), memoryBytes: Math.max(0, memoryBytes) }
  }

  #expire(nowMs: number): void {
    for (const [unitId, promise] of this.#promises)
      if (promise.untilMs !== undefined && promise.untilMs <= nowMs) this.#promises.delete(unitId)
  }
}

interface UnitPromise extends Capacity {
  /** Monotonic time at which a hold ends; a confirmed promise has none. */
  readonly untilMs?: number
}
