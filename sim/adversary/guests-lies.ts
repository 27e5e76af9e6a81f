import { keyOf } from '../../overlay/descriptor/index.ts'
import type { PeerId } from '../../overlay/env/index.ts'
import {
  guestKey,
  GUESTS_DEFAULTS,
  signVisit,
  Terms,
  type GuestsMessage,
  type Visit,
} from '../../overlay/guests/index.ts'
import type { Collusion } from './collusion.ts'
import type { Lies, LiesEnv } from './hostile-host.ts'

/**
 * What attackers do as guests and as hosts. They come as early as they may, to everyone who might take them in, and to everyone who must not;
 * they tell of visits of long ago as of new ones. Whoever comes to them is welcomed and told of to nobody, whoever asks them the way is
 * sent to other attackers, and whoever compares with them hears that there is nothing to compare, and a wrong time.
 */
export class GuestsLies implements Lies<GuestsMessage> {
  readonly #collusion: Collusion
  readonly #terms = new Terms(GUESTS_DEFAULTS)
  /** Of earlier terms, its own and what others sent. */
  readonly #old: Visit[] = []
  #round = 0

  constructor(collusion: Collusion) {
    this.#collusion = collusion
  }

  /** What the protocol itself would say is not said. */
  onSend(): undefined {}

  onReceive(from: PeerId, message: GuestsMessage, env: LiesEnv<GuestsMessage>): boolean {
    switch (message.type) {
      case 'visit':
        this.#keep(message.visit)
        env.send(from, { type: 'welcome', round: message.round })
        break
      case 'ask':
        this.#refer(from, message.round, message.key, env)
        break
      case 'summary': {
        const { key, depth } = message
        const wallMs = Math.round(env.wallMs) + HOUR_MS
        env.send(from, { type: 'holdings', key, depth, buckets: [], hashes: [], wallMs })
        break
      }
      case 'check':
        env.send(from, { type: 'alive', round: message.round })
        break
      default:
    }
    return true
  }

  onCycle(env: LiesEnv<GuestsMessage>): void {
    const own = this.#collusion.attackerNamed(env.self)
    if (own === undefined) return
    const key = keyOf(own)
    const now = this.#terms.at(key, env.wallMs)
    const term = now + env.rng.below(2)
    const visit = signVisit(own, term, env)
    this.#keep(visit)
    const hosts = this.#collusion.victimsNear(guestKey(key, term), HOST_COUNT, env.rng)
    for (const { peer } of hosts) env.send(peer, { type: 'visit', round: ++this.#round, visit })
    const victim = this.#collusion.drawVictim(env.rng)
    if (victim === undefined || env.rng.below(WRONG_EVERY) > 0) return
    const other = signVisit(own, now + 2 + env.rng.below(1_000), env)
    env.send(victim.peer, { type: 'visit', round: ++this.#round, visit })
    env.send(victim.peer, { type: 'push', visits: [visit, other, ...this.#old.slice(-4), ...this.#old.slice(0, 4)] })
  }

  #refer(to: PeerId, round: number, key: number, env: LiesEnv<GuestsMessage>): void {
    env.send(to, { type: 'refer', round, descriptors: this.#collusion.attackersNear(key, 8, env.rng) })
  }

  #keep(visit: Visit): void {
    if (this.#old.length >= OLD_COUNT_MAX) this.#old.splice(OLD_COUNT_MAX >> 1, 1)
    this.#old.push(visit)
  }
}

/** Hosts that are visited each time; and one in so many times somebody who is none. */
const HOST_COUNT = 1
const WRONG_EVERY = 4
const OLD_COUNT_MAX = 16
const HOUR_MS = 3_600_000
