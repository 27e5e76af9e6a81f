import { keyOf, type Descriptor } from '../../overlay/descriptor/index.ts'
import type { PeerId } from '../../overlay/env/index.ts'
import type { Entries, SamplingMessage } from '../../overlay/sampling/index.ts'
import type { Collusion } from './collusion.ts'
import type { Lies, LiesEnv } from './hostile-host.ts'

/** What attackers do in sampling: see `SAMPLING_ATTACKS`. */
export class SamplingLies implements Lies<SamplingMessage> {
  readonly #collusion: Collusion
  #round = 0

  constructor(collusion: Collusion) {
    this.#collusion = collusion
  }

  onSend(_to: PeerId, message: SamplingMessage, env: LiesEnv<SamplingMessage>): SamplingMessage | undefined {
    if (message.type === 'shuffle-reply' && this.#collusion.attack === 'swallow') return undefined
    return { type: message.type, round: message.round, ...this.#gift(env) }
  }

  onCycle(env: LiesEnv<SamplingMessage>): void {
    if (this.#collusion.attack === 'answer') return
    const victim = this.#collusion.drawVictim(env.rng)
    // Replies come to rounds that the protocol never began, and are lost on it.
    if (victim !== undefined)
      env.send(victim.peer, { type: 'shuffle', round: FIRST_ROUND + this.#round++, ...this.#gift(env) })
  }

  #gift(env: LiesEnv<SamplingMessage>): Entries {
    return fresh(this.#collusion.drawGift(this.#collusion.sampling.shuffleSize, env.rng))
  }
}

export function fresh(descriptors: readonly Descriptor[]): Entries {
  return { descriptors, marks: descriptors.flatMap((descriptor) => [keyOf(descriptor), 0]) }
}

const FIRST_ROUND = 1_000_000_000
