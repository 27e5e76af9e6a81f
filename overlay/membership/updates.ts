import type { PeerId } from '../env/index.ts'
import { DESCRIPTOR_COUNT_MAX, UPDATE_COUNT_MAX, type Update } from './messages.ts'

/**
 * The news that a node still passes on: one update a peer, a later one in place of an earlier. The least repeated goes out
 * first, so that fresh news overtakes old (SWIM, section 4.1).
 */
export class UpdateQueue {
  readonly #countMax: number
  /** The least repeated first; of those repeated as often, in the order in which they came to be. */
  #waiting: Waiting[] = NOTHING

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#waiting.length
  }

  put(update: Update): void {
    const peer = aboutWhom(update)
    const others = this.#waiting.filter((waiting) => aboutWhom(waiting.update) !== peer)
    if (others.length >= this.#countMax) others.splice(firstOf(others, others.at(-1)!.repeats), 1)
    others.splice(firstOf(others, 1), 0, { update, repeats: 0 })
    this.#waiting = others
  }

  /** The next updates to send, within a message's bounds. Each counts as repeated once more, and goes after `repeatsMax`. */
  take(repeatsMax: number): readonly Update[] {
    if (this.#waiting.length === 0) return NO_UPDATES
    const taken: Update[] = []
    const again: Waiting[] = []
    const rest: Waiting[] = []
    let descriptorCount = 0
    for (const waiting of this.#waiting) {
      const { update } = waiting
      if (taken.length === UPDATE_COUNT_MAX || (update.type === 'alive' && ++descriptorCount > DESCRIPTOR_COUNT_MAX)) {
        rest.push(waiting)
        continue
      }
      taken.push(update)
      if (++waiting.repeats < repeatsMax) again.push(waiting)
    }
    this.#waiting = rest.length + again.length === 0 ? NOTHING : merge(rest, again)
    return taken
  }
}

export const NO_UPDATES: readonly Update[] = Object.freeze([])

export function aboutWhom(update: Update): PeerId {
  return update.type === 'alive' ? update.descriptor.peer : update.peer
}

interface Waiting {
  readonly update: Update
  repeats: number
}

/** What most nodes of a large simulation hold most of the time, once for all of them. Never added to. */
const NOTHING: Waiting[] = []

/** The place of the first that was repeated at least so often. */
function firstOf(waiting: readonly Waiting[], repeats: number): number {
  const place = waiting.findIndex((each) => each.repeats >= repeats)
  return place < 0 ? waiting.length : place
}

/** One ordered list of two; of those repeated as often, the first list's come first. */
function merge(one: readonly Waiting[], other: readonly Waiting[]): Waiting[] {
  const merged: Waiting[] = []
  let next = 0
  for (const waiting of one) {
    while (next < other.length && other[next]!.repeats < waiting.repeats) merged.push(other[next++]!)
    merged.push(waiting)
  }
  while (next < other.length) merged.push(other[next++]!)
  return merged
}
