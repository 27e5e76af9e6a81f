import { RoostError, type Crypto, type PeerId } from '../../overlay/index.ts'
import { allows, type Mandate } from './mandate.ts'
import type { GovernorStore } from './stores.ts'

/** Who controls the jobs of a home, as far as this node was told. */
export interface Governor {
  readonly home: PeerId
  readonly controller: PeerId
  /** Grows with every takeover: the highest one counts. */
  readonly epoch: number
}

/** Homes with a controller that is not, or not any more, the home itself; beyond it one that no unit here belongs to is forgotten. */
export const GOVERNORS_COUNT_MAX = 4_096

/**
 * Whom this node obeys about the units of each home: the home itself, until somebody who has its mandate says that he controls its jobs,
 * with an epoch above all that were heard before. What was heard is on the disk before it is obeyed, so that a controller that was taken
 * over finds nobody who listens to it, after a restart neither.
 */
export class Governors {
  readonly #store: GovernorStore
  readonly #crypto: Crypto
  readonly #isNeeded: (home: PeerId) => boolean
  readonly #known = new Map<PeerId, Governor>()

  /** `isNeeded`: whether units of this home are here. */
  constructor(store: GovernorStore, crypto: Crypto, isNeeded: (home: PeerId) => boolean) {
    this.#store = store
    this.#crypto = crypto
    this.#isNeeded = isNeeded
  }

  async recover(): Promise<void> {
    for (const governor of await this.#store.list()) this.#known.set(governor.home, governor)
  }

  of(home: PeerId): PeerId {
    return this.#known.get(home)?.controller ?? home
  }

  /** Refuses who does not control the jobs of this home, as far as this node knows: `CONTROLLER_UNKNOWN`. */
  demand(home: PeerId, from: PeerId): void {
    if (this.of(home) === from) return
    throw new RoostError('CONTROLLER_UNKNOWN', `the jobs of ${home} are controlled by ${this.of(home)}, not by ${from}`)
  }

  /** Takes somebody's word that he controls a home's jobs from now on: `DENIED` without a mandate, `CONTROLLER_SUPERSEDED` when late. */
  async govern(
    from: PeerId,
    { home, epoch, mandate }: { home: PeerId; epoch: number; mandate?: Mandate | undefined },
  ): Promise<void> {
    const isMandated = from === home || (mandate?.home === home && allows(mandate, from, this.#crypto))
    if (!isMandated) throw new RoostError('DENIED', `${from} has no mandate of ${home} to control its jobs`)
    const known = this.#known.get(home)
    if (known && (epoch < known.epoch || (epoch === known.epoch && from !== known.controller)))
      throw new RoostError('CONTROLLER_SUPERSEDED', `${known.controller} controls the jobs of ${home} since`)
    const governor = { home, controller: from, epoch }
    await this.#store.put(governor)
    // Another may have been heard while the disk was written; the highest counts, there and here.
    if ((this.#known.get(home)?.epoch ?? 0) > epoch) {
      await this.#store.put(this.#known.get(home)!)
      return
    }
    this.#known.set(home, governor)
    await this.#forgetOne()
  }

  async #forgetOne(): Promise<void> {
    if (this.#known.size <= GOVERNORS_COUNT_MAX) return
    for (const home of this.#known.keys()) {
      if (this.#isNeeded(home)) continue
      this.#known.delete(home)
      return this.#store.remove(home)
    }
  }
}
