import type { Surroundings } from '../../overlay/index.ts'
import type { UnitId } from './ids.ts'
import type { UnitOrder } from './launcher.ts'
import type { UnitStore } from './stores.ts'
import { newsOf, type UnitNews } from './messages.ts'
import { applyUnitEvent, hasEnded, type UnitEvent, type UnitHappening, type UnitStatus } from './unit-log.ts'
import { Turns, Waker, type Sleep } from './waiting.ts'

/** One unit on its node: its log as far as it is durable, and what is under way for it. */
export class UnitRecord {
  readonly id: UnitId
  readonly #store: UnitStore
  readonly #surroundings: Surroundings
  readonly #turns = new Turns()
  #status: UnitStatus
  /** The log without its order: a handful of small events. */
  readonly news: UnitNews[]
  /** The number of the last event that the controller has taken. */
  reportedNumber = 0
  /** Wakes who reports its news. */
  readonly reporting: Waker
  isReporting = false
  isKilling = false

  constructor(events: readonly UnitEvent[], store: UnitStore, surroundings: Surroundings, sleep: Sleep) {
    this.#status = events.reduce<UnitStatus | undefined>(applyUnitEvent, undefined)!
    this.id = this.#status.order.unitId
    this.#store = store
    this.#surroundings = surroundings
    this.news = events.map(newsOf)
    this.reporting = new Waker(sleep)
  }

  get status(): UnitStatus {
    return this.#status
  }

  get order(): UnitOrder {
    return this.#status.order
  }

  get hasEnded(): boolean {
    return hasEnded(this.#status)
  }

  /**
   * Appends what `decide` says about the unit as it stands then, or nothing; one decision at a time. Resolves when it is durable. Where the
   * store fails nothing has happened as far as anybody here knows, and the next event takes the number.
   */
  append(decide: (status: UnitStatus) => UnitHappening | undefined): Promise<boolean> {
    return this.#turns.take(async () => {
      const happening = decide(this.#status)
      if (!happening) return false
      const event: UnitEvent = {
        ...happening,
        number: this.#status.lastNumber + 1,
        atMs: Math.floor(this.#surroundings.wallMs),
      }
      await this.#store.append(this.id, [event])
      this.#status = applyUnitEvent(this.#status, event)
      this.news.push(newsOf(event))
      this.reporting.poke()
      return true
    })
  }
}
