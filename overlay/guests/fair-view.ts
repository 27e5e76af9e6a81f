import { keyOf, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng, Surroundings } from '../env/index.ts'
import type { Checks } from './checks.ts'
import type { GridClock } from './grid-clock.ts'
import type { GuestBook } from './guest-book.ts'
import type { HomeCell } from './guests.ts'
import type { GuestsOptions } from './options.ts'
import { Lowest } from './picks.ts'
import { mixed, type Terms } from './terms.ts'

export interface FairViewDependencies {
  readonly home: HomeCell
  readonly book: GuestBook
  readonly terms: Terms
  readonly clock: GridClock
  readonly checks: Checks
  /** There is a fair choice from now on, where there was none. */
  readonly onFair: () => void
}

/**
 * The view: of the guests whose term it is those whose hash with a secret of this node is lowest (rendezvous hashing: Thaler and Ravishankar
 * 1998). So nobody foresees who is in it, and one who comes or goes changes one entry. In a grid that is one cell it is made of
 * the members in the same way. It is chosen when somebody asks for it and something has changed.
 */
export class FairView {
  readonly #dependencies: FairViewDependencies
  readonly #viewSize: number
  #secret = 0
  #descriptors: readonly Descriptor[] = []
  #isFair = false
  #isStale = true

  constructor(dependencies: FairViewDependencies, { viewSize }: GuestsOptions) {
    this.#dependencies = dependencies
    this.#viewSize = viewSize
  }

  start(rng: Rng): void {
    this.#secret = rng.next() | 0
  }

  /** Something has changed of what it is chosen from. */
  noteChange(): void {
    this.#isStale = true
  }

  /** There is one more to choose from. That can wait for the next change, but where it may be the one that was lacking. */
  noteArrival(): void {
    if (!this.#isFair) this.#isStale = true
  }

  /** Empty until there was something to choose from. */
  descriptors(surroundings: Surroundings): readonly Descriptor[] {
    this.#refresh(surroundings)
    return this.#descriptors
  }

  /** Whether it is a fair choice at this moment. */
  isFair(surroundings: Surroundings): boolean {
    this.#refresh(surroundings)
    return this.#isFair
  }

  /** One of all that it is chosen from; undefined where there is no fair choice. */
  draw(surroundings: Surroundings): Descriptor | undefined {
    if (!this.isFair(surroundings)) return undefined
    const { home, book, clock } = this.#dependencies
    const { rng, self } = surroundings
    const members = home.members()
    const count = home.depth === 0 ? members.length : book.count
    const wallMs = clock.wallMs(surroundings)
    for (let tries = 0; tries < DRAW_TRIES && count > 0; tries++) {
      const index = rng.below(count)
      const descriptor = home.depth === 0 ? members[index]! : book.at(index)!.descriptor
      if (descriptor.peer !== self && (home.depth === 0 || this.#isHere(index, wallMs))) return descriptor
    }
    return undefined
  }

  #refresh(surroundings: Surroundings): void {
    if (!this.#isStale) return
    this.#isStale = false
    const { home, clock, onFair } = this.#dependencies
    const wallMs = clock.wallMs(surroundings)
    const picked = home.depth === 0 ? this.#pickMembers(surroundings, wallMs) : this.#pickGuests(surroundings, wallMs)
    if (picked !== undefined && !this.#isFair) onFair()
    this.#isFair = picked !== undefined
    this.#descriptors = picked ?? this.#pickForNow(surroundings, wallMs)
  }

  /** Of the whole grid, where that is one cell. */
  #pickMembers({ self, nowMs }: Surroundings, wallMs: number): readonly Descriptor[] | undefined {
    const { home } = this.#dependencies
    if (!home.isReady(nowMs) || home.members().length < 2) return undefined
    const lowest = new Lowest(this.#viewSize)
    this.#offerMembers(lowest, self, wallMs)
    return lowest.descriptors
  }

  /** Of those whose term it is. There are as many as members: where there are less than half of that, honest ones have not arrived. */
  #pickGuests({ self }: Surroundings, wallMs: number): readonly Descriptor[] | undefined {
    const { home, book } = this.#dependencies
    if (!home.isSettled) return undefined
    let hereCount = 0
    for (let index = 0; index < book.count; index++) if (this.#isHere(index, wallMs)) hereCount++
    const guestsPerMember = hereCount / home.members().length
    if (guestsPerMember < GUESTS_PER_MEMBER_MIN) return undefined
    const lowest = new Lowest(this.#countFor(guestsPerMember))
    this.#offerGuests(lowest, self, wallMs)
    return lowest.descriptors
  }

  /** While there is no fair choice, those who were one and live still are. A node without them knows its cell, if nothing else. */
  #pickForNow({ self, nowMs }: Surroundings, wallMs: number): readonly Descriptor[] {
    const { home, checks } = this.#dependencies
    const left = this.#descriptors.filter(({ peer }) => !checks.isSilent(peer))
    if (2 * left.length >= this.#viewSize || !home.isReady(nowMs)) return left
    const lowest = new Lowest(this.#viewSize)
    this.#offerMembers(lowest, self, wallMs)
    this.#offerGuests(lowest, self, wallMs)
    return [...new Set(lowest.descriptors)]
  }

  #isHere(index: number, wallMs: number): boolean {
    const { book, terms } = this.#dependencies
    return terms.at(book.keyAt(index), wallMs) === book.termAt(index)
  }

  #offerGuests(lowest: Lowest, self: PeerId, wallMs: number): void {
    const { book, checks } = this.#dependencies
    for (let index = 0; index < book.count; index++) {
      const rank = this.#rank(book.keyAt(index), book.termAt(index))
      if (!lowest.wants(rank) || !this.#isHere(index, wallMs)) continue
      const { descriptor } = book.at(index)!
      if (descriptor.peer !== self && !checks.isSilent(descriptor.peer)) lowest.add(rank, descriptor)
    }
  }

  #offerMembers(lowest: Lowest, self: PeerId, wallMs: number): void {
    const { home, terms } = this.#dependencies
    for (const descriptor of home.members()) {
      const key = keyOf(descriptor)
      const rank = this.#rank(key, terms.at(key, wallMs))
      if (lowest.wants(rank) && descriptor.peer !== self) lowest.add(rank, descriptor)
    }
  }

  /** As many more or fewer than `viewSize` as there are more guests than members or fewer: so that each guest stands in as many views. */
  #countFor(guestsPerMember: number): number {
    const dither = (this.#secret >>> 0) / 2 ** 32
    return Math.max(1, Math.floor(this.#viewSize * Math.min(guestsPerMember, VIEW_FACTOR_MAX) + dither))
  }

  /** Another in each term: views change though members stay. */
  #rank(key: number, term: number): number {
    return mixed(mixed(key, this.#secret), term)
  }
}

/** By chance alone this is hardly ever less in a cell of a hundred, and where attackers alone come it is their share of the grid. */
const GUESTS_PER_MEMBER_MIN = 0.5
/** A cell with more guests than this for each member has nobody's view grow any further. */
const VIEW_FACTOR_MAX = 1.5
/** Of one that misses in one of two tries this many miss in one of 65,000. */
const DRAW_TRIES = 16
