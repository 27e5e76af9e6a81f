import type { Descriptor } from '../../overlay/descriptor/index.ts'
import type { Env, PeerId, Protocol } from '../../overlay/env/index.ts'
import type { SamplingMessage } from '../../overlay/sampling/index.ts'
import type { Collusion } from './collusion.ts'
import { fresh } from './sampling-lies.ts'

/**
 * A node that speaks sampling's protocol and lies in it. What it sends is well formed and well signed: the rest is refused without
 * effect, as the protocol's own tests show.
 */
export class Attacker implements Protocol<SamplingMessage, 'push', never> {
  readonly #own: Descriptor
  readonly #collusion: Collusion
  #round = 0

  constructor(options: { readonly own: Descriptor; readonly collusion: Collusion }) {
    this.#own = options.own
    this.#collusion = options.collusion
    options.collusion.learnAttacker(options.own)
  }

  start(env: AttackerEnv): void {
    if (this.#collusion.attack !== 'answer') env.wakeAfter(env.rng.real() * this.#intervalMs, 'push')
  }

  wake(_timer: 'push', env: AttackerEnv): void {
    env.wakeAfter(this.#intervalMs, 'push')
    const victim = this.#collusion.drawVictim(env.rng)
    if (victim === undefined) return
    const { shuffleSize } = this.#collusion.sampling
    const others = this.#collusion.drawGift(shuffleSize - 1, env.rng).filter((gift) => gift !== this.#own)
    env.send(victim.peer, { type: 'shuffle', round: ++this.#round, ...fresh([this.#own, ...others]) })
  }

  receive(from: PeerId, message: SamplingMessage, env: AttackerEnv): void {
    const { attack, sampling } = this.#collusion
    if (message.type !== 'shuffle' || attack === 'swallow') return
    const gift = this.#collusion.drawGift(sampling.shuffleSize, env.rng)
    env.send(from, { type: 'shuffle-reply', round: message.round, ...fresh(gift) })
  }

  get #intervalMs(): number {
    return this.#collusion.sampling.cycleMs / PUSH_COUNT
  }
}

type AttackerEnv = Env<SamplingMessage, 'push', never>

/** Shuffles that an attacker starts in each cycle, where an honest node starts one. */
const PUSH_COUNT = 4
