import type { PeerId } from '../../overlay/index.ts'
import type { Mandate } from './mandate.ts'
import { Backoff } from './backoff.ts'
import { isStopping } from './background.ts'
import type { JobWorld } from './ports.ts'
import { CONFIRMED_ASK_MS, CONFIRMED_MS_MAX, REPEAT_BACKOFF } from './timing.ts'
import type { UnitRecord } from './unit-record.ts'

/**
 * Tells a unit's controller what became of it, again and again until it is taken: the controller may be away for a day. While a unit is
 * only confirmed, the same message asks whether it is still wanted, so that a placing that was given up leaves nothing behind.
 */
export class UnitReporter {
  readonly #world: JobWorld
  readonly #actions: ReporterActions

  constructor(world: JobWorld, actions: ReporterActions) {
    this.#world = world
    this.#actions = actions
  }

  /** Until all that is known has been taken, and written down once the unit is over. One at a time for a unit; a second one leaves at once. */
  async report(unit: UnitRecord): Promise<void> {
    if (unit.isReporting) return
    unit.isReporting = true
    const backoff = new Backoff(this.#world.surroundings.rng, REPEAT_BACKOFF)
    let answeredMs = this.#world.surroundings.nowMs
    try {
      while (!isAllTold(unit)) {
        const isWaiting = unit.status.phase === 'confirmed'
        if (isWaiting) await unit.reporting.wait(CONFIRMED_ASK_MS)
        if (isWaiting && unit.status.phase !== 'confirmed') continue
        if (await this.#tell(unit)) {
          answeredMs = this.#world.surroundings.nowMs
          backoff.reset()
        } else if (isWaiting && this.#world.surroundings.nowMs - answeredMs > CONFIRMED_MS_MAX) {
          await this.#actions.giveUp(unit, 'its controller has not answered for an hour')
        } else if (!isWaiting) {
          await unit.reporting.wait(backoff.next())
        }
      }
    } finally {
      unit.isReporting = false
    }
    if (unit.hasEnded) await unit.append((status) => (status.isSettled ? undefined : { type: 'settled' }))
  }

  /** Whether the controller answered. */
  async #tell(unit: UnitRecord): Promise<boolean> {
    const events = unit.news.filter((event) => event.number > unit.reportedNumber)
    const { controller: home } = unit.order
    try {
      const controller = this.#actions.controllerOf(unit)
      const reply = await this.#world.ask(controller, { type: 'unit-report', unitId: unit.id, home, events })
      unit.reportedNumber = events.at(-1)?.number ?? unit.reportedNumber
      if (reply.type === 'given-up') await this.#actions.giveUp(unit, reply.reason)
      return true
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      await this.#seek(unit)
      return false
    }
  }

  /** Asks everybody who may control the unit's job by now; whoever does is obeyed from then on. */
  async #seek({ order }: UnitRecord): Promise<void> {
    const { controller: home, holders = [] } = order
    for (const holder of new Set([home, ...holders]))
      try {
        const reply = await this.#world.ask(holder, { type: 'who-controls', home })
        if (reply.type !== 'controls') continue
        return await this.#actions.governed(holder, home, reply)
      } catch (thrown) {
        if (isStopping(thrown)) throw thrown
      }
  }
}

export interface ReporterActions {
  /** Who wants to hear of it, as far as this node knows at the moment. */
  controllerOf(unit: UnitRecord): PeerId
  /** Somebody says that he controls the jobs of this home; rejects where that is not so. */
  governed(from: PeerId, home: PeerId, right: { readonly epoch: number; readonly mandate?: Mandate }): Promise<void>
  /** Ends a unit that its controller does not want any more. */
  giveUp(unit: UnitRecord, reason: string): Promise<void>
}

/** A confirmed unit has always something to ask, one that is being started nothing to tell yet. */
function isAllTold(unit: UnitRecord): boolean {
  const { phase, lastNumber } = unit.status
  return phase === 'starting' || (phase !== 'confirmed' && unit.reportedNumber >= lastNumber)
}
