import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { sample, shuffle, type PeerId, type Rng } from '../env/index.ts'
import { prefixMatches } from '../placement/index.ts'
import type { FairView } from './fair-view.ts'
import type { GridClock } from './grid-clock.ts'
import type { Counts, GuestBook } from './guest-book.ts'
import type { GuestsEnv, HomeCell } from './guests.ts'
import type { Known } from './known.ts'
import { HASH_COUNT_MAX, VISIT_COUNT_MAX, WANT_COUNT_MAX, type GuestsMessage } from './messages.ts'
import type { GuestsOptions } from './options.ts'
import { guestKey, type Terms } from './terms.ts'
import { HeldVisit, type Visit } from './visit.ts'

type MessageOf<Type extends GuestsMessage['type']> = GuestsMessage & { readonly type: Type }

export interface HostingDependencies {
  readonly checker: DescriptorChecker
  readonly home: HomeCell
  readonly book: GuestBook
  readonly known: Known
  readonly fairView: FairView
  readonly terms: Terms
  readonly clock: GridClock
  /** The cycle that it is. */
  readonly cycle: () => number
}

/** How a cell has guests: who comes and may is taken in, and the members tell each other. */
export class Hosting {
  readonly #checker: DescriptorChecker
  readonly #home: HomeCell
  readonly #book: GuestBook
  readonly #known: Known
  readonly #fairView: FairView
  readonly #terms: Terms
  readonly #clock: GridClock
  readonly #cycle: () => number
  readonly #options: GuestsOptions
  #fresh: HeldVisit[] = []
  /** The member that was asked to compare. */
  #partner: PeerId | undefined

  constructor(dependencies: HostingDependencies, options: GuestsOptions) {
    this.#checker = dependencies.checker
    this.#home = dependencies.home
    this.#book = dependencies.book
    this.#known = dependencies.known
    this.#fairView = dependencies.fairView
    this.#terms = dependencies.terms
    this.#clock = dependencies.clock
    this.#cycle = dependencies.cycle
    this.#options = options
  }

  /** Those whose term is over, or who belong to another cell now, go. */
  seeOff(wallMs: number): void {
    this.#book.keepOnly((key, term) => this.#isWelcome(key, term, wallMs))
  }

  /** A node that is guest in its own home cell. */
  takeOwn(visit: HeldVisit, env: GuestsEnv): void {
    if (this.#book.put(visit) === 'new') this.#pass(visit, env)
  }

  onVisit(from: PeerId, { round, visit }: MessageOf<'visit'>, env: GuestsEnv): void {
    const key = keyOf(visit.descriptor)
    const place = guestKey(key, visit.term)
    if (visit.descriptor.peer !== from) return this.#refuse(from, 'not-own', env)
    if (!this.#home.isSettled || !this.#home.encloses(place)) return this.#known.refer(from, round, place, env)
    const wallMs = this.#clock.wallMs(env)
    if (!this.#isWelcome(key, visit.term, wallMs)) {
      // Clocks differ, and messages are late: what is a little off is no offence, and no visit.
      const termsAway = Math.abs(visit.term - this.#terms.at(key, wallMs))
      return termsAway > UNTIMELY_TERMS ? this.#refuse(from, 'untimely', env) : undefined
    }
    if (this.#take(visit, from, { isNews: true }, env)) env.send(from, { type: 'welcome', round })
  }

  takeAll(from: PeerId, message: MessageOf<'push' | 'give'>, env: GuestsEnv): void {
    const wallMs = this.#clock.wallMs(env)
    for (const visit of message.visits) {
      // What is not for this cell, or not now, was somebody else's view of both; it is not looked at.
      const key = keyOf(visit.descriptor)
      if (this.#isWelcome(key, visit.term, wallMs)) this.#take(visit, from, { isNews: message.type === 'push' }, env)
    }
  }

  /** Says whether the visit is held now. */
  #take(visit: Visit, from: PeerId, { isNews }: { readonly isNews: boolean }, env: GuestsEnv): boolean {
    if (this.#book.has(visit.descriptor.peer, keyOf(visit.descriptor), visit.term)) return true
    const checked = HeldVisit.check(visit, this.#checker, env)
    if (typeof checked === 'string') {
      this.#refuse(from, checked, env)
      return false
    }
    if (this.#book.put(checked) === 'full') {
      this.#refuse(from, 'full', env)
      return false
    }
    this.#fairView.noteArrival()
    if (isNews) this.#pass(checked, env)
    if (checked.descriptor.peer !== env.self) {
      this.#known.remember(checked.descriptor, this.#cycle())
      env.emit({ type: 'came', descriptor: checked.descriptor })
    }
    return true
  }

  #isWelcome(key: number, term: number, wallMs: number): boolean {
    const stage = this.#terms.stageOf(key, term, wallMs)
    return (stage === 'here' || stage === 'coming') && this.#home.encloses(guestKey(key, term))
  }

  // What members tell each other.

  #pass(visit: HeldVisit, env: GuestsEnv): void {
    if (this.#fresh.length >= this.#options.pushCountMax) return
    if (this.#fresh.length === 0) env.wakeAfter(this.#options.pushMs, PUSH)
    this.#fresh.push(visit)
  }

  sendFresh(env: GuestsEnv): void {
    const visits = this.#fresh
    this.#fresh = []
    for (let count = 0; count < this.#options.pushFanout; count++) {
      const member = drawOther(this.#home.members(), env.self, env.rng)
      if (member !== undefined) sendPages('push', member.peer, visits, env)
    }
  }

  exchange(env: GuestsEnv): void {
    this.#partner = drawOther(this.#home.members(), env.self, env.rng)?.peer
    if (this.#partner !== undefined) this.#sendSummary(this.#partner, env)
  }

  #sendSummary(to: PeerId, env: GuestsEnv): void {
    const { ownKey: key, depth } = this.#home
    const wallMs = Math.round(env.wallMs)
    env.send(to, { type: 'summary', key, depth, digests: this.#book.summary(() => true), wallMs })
  }

  /** Compares for the finer one of two cells. */
  onSummary(from: PeerId, message: MessageOf<'summary'>, env: GuestsEnv): void {
    const { key, depth, digests } = message
    if (depth < this.#home.depth) {
      if (prefixMatches(this.#home.ownKey, key, depth)) this.#sendSummary(from, env)
      return
    }
    if (!this.#home.encloses(key)) return
    const counts = isGuestIn(key, depth)
    const buckets: number[] = []
    const hashes: number[] = []
    for (const [bucket, held] of shuffle([...this.#book.differing(digests, counts)], env.rng)) {
      if (hashes.length + held.length > HASH_COUNT_MAX) break
      buckets.push(bucket)
      hashes.push(...held)
    }
    env.send(from, { type: 'holdings', key, depth, buckets, hashes, wallMs: Math.round(env.wallMs) })
  }

  onHoldings(from: PeerId, message: MessageOf<'holdings'>, env: GuestsEnv): void {
    const { key, depth, buckets, hashes, wallMs } = message
    if (from === this.#partner) this.#clock.note(from, wallMs, env)
    if (buckets.length === 0 || depth < this.#home.depth || !this.#home.encloses(key)) return
    const { ours, theirs } = this.#book.compare(buckets, hashes, isGuestIn(key, depth))
    this.#give(from, ours, env)
    if (theirs.length > 0) env.send(from, { type: 'want', hashes: sample(theirs, WANT_COUNT_MAX, env.rng) })
  }

  onWant(from: PeerId, { hashes }: MessageOf<'want'>, env: GuestsEnv): void {
    this.#give(from, this.#book.withHashes(hashes), env)
  }

  #give(to: PeerId, visits: readonly HeldVisit[], env: GuestsEnv): void {
    sendPages('give', to, sample(visits, WANT_COUNT_MAX, env.rng), env)
  }

  #refuse(peer: PeerId, reason: string, env: GuestsEnv): void {
    env.emit({ type: 'refused', peer, reason })
  }
}

/** Whether a visit is paid to the cell that shares `depth` bits of this key. */
function isGuestIn(cellKey: number, depth: number): Counts {
  return (key, term) => prefixMatches(guestKey(key, term), cellKey, depth)
}

function sendPages(type: 'push' | 'give', to: PeerId, visits: readonly HeldVisit[], env: GuestsEnv): void {
  for (let start = 0; start < visits.length; start += VISIT_COUNT_MAX)
    env.send(to, { type, visits: visits.slice(start, start + VISIT_COUNT_MAX) })
}

function drawOther(members: readonly Descriptor[], self: PeerId, rng: Rng): Descriptor | undefined {
  if (members.length < 2) return undefined
  for (let tries = 0; tries < DRAW_TRIES; tries++) {
    const member = members[rng.below(members.length)]!
    if (member.peer !== self) return member
  }
  return undefined
}

export const PUSH = { type: 'push' } as const
/** From so many terms off on a visit is refused. */
const UNTIMELY_TERMS = 2
/** Of one that misses in one of two tries this many miss in one of 65,000. */
const DRAW_TRIES = 16
