import { KIND } from './kernel.ts'
import type { Kernel } from './kernel.ts'
import type { NodeState } from './node.ts'

/** How many messages a paused machine's network holds for it; more are lost. */
export const HELD_COUNT_MAX = 10_000

/** What happens to a node's messages while it is paused: a stopped process finds them later, a sleeping laptop never does. */
export type PausedNetwork = 'held' | 'lost'

/**
 * What fell due while a node was paused, in order. Its timers always wait for it: it finds them all overdue when it goes on, at
 * a time that has leapt ahead.
 */
export class HeldEvents {
  readonly #kernel: Kernel
  readonly #network: PausedNetwork
  readonly #events: { kind: number; origin: number; channel: number; payload: unknown }[] = []
  #messagesCount = 0

  constructor(kernel: Kernel, network: PausedNetwork) {
    this.#kernel = kernel
    this.#network = network
  }

  add(kind: number, origin: number, channel: number, payload: unknown): void {
    if (kind === KIND.message || kind === KIND.request || kind === KIND.reply) {
      if (this.#network === 'lost' || this.#messagesCount === HELD_COUNT_MAX) {
        this.#kernel.counts.lost++
        return
      }
      this.#messagesCount++
    }
    this.#events.push({ kind, origin, channel, payload })
  }

  /** Puts all of it back into the queue, due now. */
  release(node: NodeState): void {
    const { queue, clock } = this.#kernel
    for (const { kind, origin, channel, payload } of this.#events)
      queue.add(clock.nowTicks, kind, node.index, node.life, origin, channel, payload)
  }
}
