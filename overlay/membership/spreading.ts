import type { PeerId } from '../env/index.ts'
import type { MembershipEnv } from './env.ts'
import type { MemberTable } from './member-table.ts'
import { UPDATE_COUNT_MAX, type Update } from './messages.ts'
import type { MembershipOptions } from './options.ts'
import type { Suspicions } from './suspicions.ts'
import { aboutWhom, NO_UPDATES, UpdateQueue } from './updates.ts'

/** Lets what came together go out together. */
const GOSSIP_FIRST_MS = 20

/**
 * News spreads like an epidemic: it rides on pings and answers, and while there is any, also on messages to a few members at random
 * several times a second (SWIM, section 4.1; gossip of its own as memberlist has it).
 */
export class Spreading {
  readonly #table: MemberTable
  readonly #suspicions: Suspicions
  readonly #options: MembershipOptions
  readonly #updates: UpdateQueue
  #gossiping = false

  constructor(table: MemberTable, suspicions: Suspicions, options: MembershipOptions) {
    this.#table = table
    this.#suspicions = suspicions
    this.#options = options
    this.#updates = new UpdateQueue({ countMax: options.updateCountMax })
  }

  tell(update: Update, env: MembershipEnv): void {
    this.#updates.put(update)
    if (this.#gossiping) return
    this.#gossiping = true
    env.wakeAfter(GOSSIP_FIRST_MS, { type: 'gossip' })
  }

  gossip(env: MembershipEnv): void {
    const hearers = this.#table.draw(this.#options.gossipFanout, env.rng)
    for (const hearer of hearers) {
      const updates = this.newsFor(hearer)
      if (updates.length > 0) env.send(hearer, { type: 'gossip', updates })
    }
    this.#gossiping = this.#updates.count > 0 && hearers.length > 0
    if (this.#gossiping) env.wakeAfter(this.#options.gossipMs, { type: 'gossip' })
  }

  /** News for this peer. A suspected one is told so first (Lifeguard's buddy system, section IV-C). */
  newsFor(to: PeerId): readonly Update[] {
    const updates = this.#updates.count === 0 ? NO_UPDATES : this.#updates.take(this.#repeatsMax())
    const from = this.#suspicions.firstVoice(to)
    const member = from === undefined ? undefined : this.#table.get(to)
    if (from === undefined || member === undefined) return updates
    return [
      { type: 'suspect', peer: to, sequence: member.sequence, from },
      ...updates.filter((update) => aboutWhom(update) !== to).slice(0, UPDATE_COUNT_MAX - 1),
    ]
  }

  #repeatsMax(): number {
    return this.#options.repeatFactor * Math.ceil(Math.log(this.#table.livingCount + 2))
  }
}
