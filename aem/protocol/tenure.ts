import { asRoostError, RoostError, type PeerId } from '../../overlay/index.ts'
import type { Mandate } from './mandate.ts'
import type { JobWorld } from './ports.ts'

/** By what right a node controls the jobs of a home, and until when. */
export interface Tenure {
  readonly home: PeerId
  /** Above that of everybody who controlled them before. */
  readonly epoch: number
  /** The home's word, where it is another node. */
  readonly mandate?: Mandate | undefined
}

/**
 * The world of one controller. A node that obeys another is told first who controls these jobs now. Once the tenure is over, whatever the
 * controller still waits for ends as it does when the daemon stops: with `CANCELLED`.
 */
export class TenureWorld implements JobWorld {
  readonly #world: JobWorld
  readonly #tenure: Tenure
  #isOver = false

  constructor(world: JobWorld, tenure: Tenure) {
    this.#world = world
    this.#tenure = tenure
  }

  get surroundings(): JobWorld['surroundings'] {
    return this.#world.surroundings
  }

  end(): void {
    this.#isOver = true
  }

  readonly ask: JobWorld['ask'] = async (to, request) => {
    this.#demandTenure()
    try {
      return await this.#world.ask(to, request)
    } catch (thrown) {
      if (asRoostError(thrown).code !== 'CONTROLLER_UNKNOWN') throw thrown
      this.#demandTenure()
      const { home, epoch, mandate } = this.#tenure
      await this.#world.ask(to, { type: 'govern', home, epoch, ...(mandate && { mandate }) })
      return await this.#world.ask(to, request)
    } finally {
      this.#demandTenure()
    }
  }

  readonly sleep: JobWorld['sleep'] = async (delayMs) => {
    this.#demandTenure()
    await this.#world.sleep(delayMs)
    this.#demandTenure()
  }

  readonly trouble: JobWorld['trouble'] = (about, error) => {
    if (!this.#isOver) this.#world.trouble(about, error)
  }

  #demandTenure(): void {
    if (this.#isOver) throw new RoostError('CANCELLED', 'another node controls these jobs now')
  }
}
