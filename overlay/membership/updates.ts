import type { PeerId } from '../env/index.ts'
import { DESCRIPTOR_COUNT_MAX, UPDATE_COUNT_MAX, type Update } from './messages.ts'

interface Waiting {
  readonly update: Update
  repeats: number
}

/**
 * The news that a node still passes on: one update a peer, a later one in place of an earlier. The least repeated goes out
 * first, so that fresh news overtakes old (SWIM, section 4.1).
 */
export class UpdateQueue {
  readonly #countMax: number
  readonly #waiting = new Map<PeerId, Waiting>()

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#waiting.size
  }

  put(update: Update): void {
    const peer = aboutWhom(update)
    this.#waiting.delete(peer)
    if (this.#waiting.size >= this.#countMax) this.#dropMostRepeated()
    this.#waiting.set(peer, { update, repeats: 0 })
  }

  /** The next updates to send, within a message's bounds. Each counts as repeated once more, and goes after `repeatsMax`. */
  take(repeatsMax: number): Update[] {
    if (this.#waiting.size === 0) return []
    const taken: Update[] = []
    let descriptors = 0
    for (const [peer, waiting] of [...this.#waiting].sort(([, one], [, other]) => one.repeats - other.repeats)) {
      if (taken.length === UPDATE_COUNT_MAX) break
      if (waiting.update.type === 'alive' && ++descriptors > DESCRIPTOR_COUNT_MAX) continue
      taken.push(waiting.update)
      waiting.repeats++
      if (waiting.repeats >= repeatsMax) this.#waiting.delete(peer)
    }
    return taken
  }

  #dropMostRepeated(): void {
    let most: [PeerId, Waiting] | undefined
    for (const entry of this.#waiting) if (most === undefined || entry[1].repeats > most[1].repeats) most = entry
    if (most !== undefined) this.#waiting.delete(most[0])
  }
}

export function aboutWhom(update: Update): PeerId {
  return update.type === 'alive' ? update.descriptor.peer : update.peer
}
