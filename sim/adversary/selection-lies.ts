import type { PeerId } from '../../overlay/env/index.ts'
import type { SelectionMessage } from '../../overlay/selection/index.ts'
import type { Collusion } from './collusion.ts'
import type { Lies, LiesEnv } from './hostile-host.ts'

/**
 * What attackers do in cells: they pass on and name but each other, wherever somebody asks; say that any cell is so fine that whoever
 * seeks it is alone there; and offer themselves as contacts all the time.
 */
export class SelectionLies implements Lies<SelectionMessage> {
  readonly #collusion: Collusion

  constructor(collusion: Collusion) {
    this.#collusion = collusion
  }

  onSend(_to: PeerId, message: SelectionMessage, { rng }: LiesEnv<SelectionMessage>): SelectionMessage | undefined {
    const attackers = this.#collusion.drawAttackers(NAMED_COUNT, rng)
    switch (message.type) {
      case 'give':
      case 'push':
        return { ...message, descriptors: attackers, gone: [] }
      case 'contacts':
        return { ...message, descriptors: attackers, ages: attackers.map(() => 0) }
      case 'found':
        return { ...message, depth: DEPTH_SAID }
      case 'forward':
        return undefined
      default:
        return message
    }
  }

  onCycle(env: LiesEnv<SelectionMessage>): void {
    const victim = this.#collusion.drawVictim(env.rng)
    if (victim === undefined) return
    const descriptors = this.#collusion.drawAttackers(NAMED_COUNT, env.rng)
    const home = { layout: 0, grouping: 0 }
    env.send(victim.peer, { type: 'contacts', ...home, descriptors, ages: descriptors.map(() => 0) })
    env.send(victim.peer, { type: 'give', ...home, descriptors, gone: [] })
  }
}

const NAMED_COUNT = 8
const DEPTH_SAID = 32
