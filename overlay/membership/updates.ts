import type { PeerId } from '../env/index.ts'
import { DESCRIPTOR_COUNT_MAX, UPDATE_COUNT_MAX, type Update } from './messages.ts'

/**
 * The news that a node still passes on: one update a peer, a later one in place of an earlier. The least repeated goes out
 * first, so that fresh news overtakes old (SWIM, section 4.1).
 */
export class UpdateQueue {
  readonly #countMax: number
  /** What was repeated as often as the index says, in the order of arrival there. */
  readonly #levels: Map<PeerId, Update>[] = [new Map()]
  #count = 0

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#count
  }

  put(update: Update): void {
    const peer = aboutWhom(update)
    for (const level of this.#levels) if (level.delete(peer)) this.#count--
    if (this.#count >= this.#countMax) this.#dropMostRepeated()
    this.#levels[0]!.set(peer, update)
    this.#count++
  }

  /** The next updates to send, within a message's bounds. Each counts as repeated once more, and goes after `repeatsMax`. */
  take(repeatsMax: number): Update[] {
    if (this.#count === 0) return []
    const taken: { peer: PeerId; update: Update; repeats: number }[] = []
    let descriptorCount = 0
    for (const [repeats, level] of this.#levels.entries()) {
      for (const [peer, update] of level) {
        if (taken.length === UPDATE_COUNT_MAX) break
        if (update.type === 'alive' && ++descriptorCount > DESCRIPTOR_COUNT_MAX) continue
        taken.push({ peer, update, repeats: repeats + 1 })
      }
    }
    for (const { peer, update, repeats } of taken) {
      this.#levels[repeats - 1]!.delete(peer)
      if (repeats >= repeatsMax) this.#count--
      else (this.#levels[repeats] ??= new Map()).set(peer, update)
    }
    return taken.map(({ update }) => update)
  }

  #dropMostRepeated(): void {
    const peer = this.#levels
      .findLast((level) => level.size > 0)
      ?.keys()
      .next().value
    for (const level of this.#levels) if (peer !== undefined && level.delete(peer)) this.#count--
  }
}

export function aboutWhom(update: Update): PeerId {
  return update.type === 'alive' ? update.descriptor.peer : update.peer
}
