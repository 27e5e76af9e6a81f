import type { Kernel } from './kernel.ts'
import type { ProtocolEnv } from './protocol-env.ts'
import { Foreseen } from './queue.ts'

/**
 * Has memory at hand before it is needed. With a hundred thousand nodes nearly everything that an event touches is in main
 * memory, and an event that fetches one thing after the other, each at the end of a pointer in the last, mostly waits. But whom the
 * events of the next milliseconds will happen to is known, and a processor fetches many things at the same time where none depends on
 * another. So once in some dozens of events this looks at their nodes, a step down for all of them before the next: at a
 * tenth of the price for each.
 *
 * It reads and changes nothing. A simulation is the same with it and without.
 */
export class Foresight {
  readonly #kernel: Kernel
  readonly #events = new Foreseen()
  readonly #envs: (ProtocolEnv | undefined)[] = []
  /** All that was read, in one meaningless word: what nobody could want, a compiler would leave out. */
  seen = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  look(): void {
    const kernel = this.#kernel
    if (kernel.nodes.length < NODES_MIN) return
    const events = this.#events
    kernel.queue.foresee(events)
    const count = events.count
    if (count === 0) return
    const { channels, marks } = kernel
    const ids = kernel.roster.ids
    const envs = this.#envs
    let seen = 0
    for (let at = 0; at < count; at++) {
      const target = events.targets[at]!
      seen ^= marks.at(target)
      envs[at] = channels[events.channels[at]!]?.desks[target]
      seen ^= ids[events.origins[at]!] === '' ? 1 : 0
    }
    for (let at = 0; at < count; at++) {
      const env = envs[at]
      if (env !== undefined) seen ^= env.glance()
    }
    for (let at = 0; at < count; at++) {
      const env = envs[at]
      if (env !== undefined && env.protocol.wake === undefined) seen++
    }
    for (let at = 0; at < count; at++) {
      const env = envs[at]
      if (env === undefined) continue
      const { look } = channels[events.channels[at]!]!
      if (look !== undefined) seen ^= look(env.protocol as never, kernel.queue.payloadOf(events.cells[at]!))
      envs[at] = undefined
    }
    this.seen ^= seen
  }
}

/** What belongs to fewer nodes fits into a cache. */
const NODES_MIN = 2_000
