import { keyOf, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { commonPrefix } from '../placement/index.ts'
import { Contacts, slotOf } from '../selection/index.ts'
import type { FairView } from './fair-view.ts'
import type { GuestBook } from './guest-book.ts'
import type { GuestsEnv, HomeCell } from './guests.ts'
import { REFERRED_COUNT_MAX } from './messages.ts'
import { Nearest } from './picks.ts'

/**
 * Whom a node can name as being near to a key: its guests, the members of its cell, and guests of before, by how near they are to its
 * own key, which is the way to any cell. Nobody could choose to be any of these.
 */
export class Known {
  readonly #home: HomeCell
  readonly #book: GuestBook
  readonly #fairView: FairView
  readonly #past = new Contacts()

  constructor(home: HomeCell, book: GuestBook, fairView: FairView) {
    this.#home = home
    this.#book = book
    this.#fairView = fairView
  }

  /** A guest that came in this cycle. */
  remember(descriptor: Descriptor, cycle: number): void {
    const key = keyOf(descriptor)
    const level = commonPrefix(key, this.#home.ownKey)
    if (level < this.#home.depth) this.#past.put(level, slotOf(key, level), descriptor, cycle)
  }

  forget(peer: PeerId, key: number): void {
    this.#past.remove(commonPrefix(key, this.#home.ownKey), peer)
  }

  /** The one nearest to a key, each of several as likely. */
  nearest(key: number, isOut: (peer: PeerId) => boolean, env: GuestsEnv): Descriptor | undefined {
    const nearest = new Nearest({ key, depth: this.#home.depth, count: 1 }, env.rng)
    this.#offerAll(nearest, isOut, env)
    return nearest.descriptors[0]
  }

  /** Tells a peer who is nearest to a key: of the home cell any, where it lies there. */
  refer(to: PeerId, round: number, key: number, env: GuestsEnv): void {
    const isOut = (peer: PeerId): boolean => peer === to
    const nearest = new Nearest({ key, depth: this.#home.depth, count: REFERRED_COUNT_MAX }, env.rng)
    if (this.#home.encloses(key))
      for (const descriptor of this.#home.members()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    else this.#offerAll(nearest, isOut, env)
    env.send(to, { type: 'refer', round, descriptors: nearest.descriptors })
  }

  /** What selection knows of other cells is whoever said so last: it is all there is in the beginning, and not used later. */
  #offerAll(nearest: Nearest, isOut: (peer: PeerId) => boolean, env: GuestsEnv): void {
    for (let index = 0; index < this.#book.count; index++)
      if (nearest.wants(this.#book.keyAt(index)))
        nearest.offer(this.#book.at(index)!.descriptor, this.#book.keyAt(index), isOut)
    for (const descriptor of this.#home.members()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    for (const descriptor of this.#past.descriptors()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    if (this.#fairView.isFair(env)) return
    for (const descriptor of this.#home.contacts()) nearest.offer(descriptor, keyOf(descriptor), isOut)
  }
}
