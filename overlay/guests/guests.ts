import { keyOf, peerKey, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { sample, shuffle, type Env, type PeerId, type Protocol, type Rng, type Surroundings } from '../env/index.ts'
import { commonPrefix, prefixMatches } from '../placement/index.ts'
import { RateLimit, type Contact } from '../sampling/index.ts'
import { Contacts, slotOf } from '../selection/index.ts'
import { Checks } from './checks.ts'
import { Errands, type Errand } from './errands.ts'
import { FairView } from './fair-view.ts'
import { GridClock } from './grid-clock.ts'
import { GuestBook, type Counts } from './guest-book.ts'
import { HASH_COUNT_MAX, REFERRED_COUNT_MAX, VISIT_COUNT_MAX, WANT_COUNT_MAX, type GuestsMessage } from './messages.ts'
import { GUESTS_DEFAULTS, type GuestsOptions } from './options.ts'
import { Nearest } from './picks.ts'
import { guestKey, Terms } from './terms.ts'
import { HeldVisit, signVisit, type Visit } from './visit.ts'

/**
 * Guests are random nodes that nobody can choose. A node's home cell follows from its name, and so does the cell in which it is guest
 * for a term, another one in each: it goes there and says so, under its signature, and the members tell each other. So each cell knows as
 * many guests as it has members, drawn from the whole grid by a hash. Of hostile nodes there are among them as many as there are
 * in the grid, whatever they do: they can neither be guests in more cells than others are, nor keep honest ones away, since members
 * pass on what they hear and nine of ten of them are honest. All that is left to them is to refuse their help.
 *
 * The view is made of these guests (`FairView`), or of members where the grid is one cell. What is known before there are either is the
 * host's to say.
 *
 * A hash that anyone can check in place of a draw that everyone must trust is an idea of BASALT (Auvolat, Bromberg, Frey and Taiani 2023) and
 * of Brahms; that each node shows up at a place which the hash says, and that there all compare notes, is what is added.
 */
export class Guests implements Protocol<GuestsMessage, GuestsTimer, GuestsEvent> {
  readonly #own: () => Descriptor
  readonly #checker: DescriptorChecker
  readonly #home: HomeCell
  readonly #strangers: () => Iterable<Contact>
  readonly #options: GuestsOptions
  readonly #terms: Terms
  readonly #book: GuestBook
  /** Guests of now and before by how near they are to this node's key: the way to any cell. Nobody else is named to those who ask. */
  readonly #contacts = new Contacts()
  readonly #clock = new GridClock()
  readonly #checks: Checks
  readonly #fairView: FairView
  readonly #errands: Errands
  readonly #rateLimit = new RateLimit(RATE)
  /** To the cell of each term that is near. */
  readonly #visits = new Map<number, Errand>()
  #cycleCount = 0
  #fresh: HeldVisit[] = []
  /** The member that was asked to compare. */
  #partner: PeerId | undefined

  constructor(dependencies: GuestsDependencies, options: Partial<GuestsOptions> = {}) {
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#home = dependencies.home
    this.#strangers = dependencies.strangers
    this.#options = { ...GUESTS_DEFAULTS, ...options }
    this.#terms = new Terms(this.#options)
    this.#book = new GuestBook({ countMax: this.#options.guestCountMax })
    this.#checks = new Checks(this.#options)
    this.#fairView = new FairView(
      {
        home: this.#home,
        book: this.#book,
        terms: this.#terms,
        clock: this.#clock,
        checks: this.#checks,
        // Who was welcomed by whomever it knew before comes again.
        onFair: () => this.#visits.clear(),
      },
      this.#options,
    )
    this.#errands = new Errands({ onAddress: dependencies.onAddress, depth: () => this.#home.depth }, this.#options)
  }

  /**
   * Random nodes, about `viewSize` of them, believed to be alive: as many more or fewer as the cell has more guests than members or fewer, so
   * that every node stands in as many views. Undefined until there was a fair choice.
   */
  view(surroundings: Surroundings): readonly Descriptor[] | undefined {
    const view = this.#fairView.descriptors(surroundings)
    return view.length === 0 ? undefined : view
  }

  /** One of all that the view is chosen from; undefined where there is no fair choice. */
  draw(surroundings: Surroundings): Descriptor | undefined {
    return this.#fairView.draw(surroundings)
  }

  /** Whether the view is a fair choice at this moment, and how many guests are known, those who came early included. */
  state(surroundings: Surroundings): GuestsState {
    return { isFair: this.#fairView.isFair(surroundings), guestCount: this.#book.count }
  }

  /** A peer that is gone is not in the view, whatever it says. */
  forget(peer: PeerId, env: GuestsEnv): void {
    this.#fairView.noteChange()
    if (this.#home.depth > 0 && this.#home.encloses(peerKey(peer))) this.#checks.noteGone(peer, env.nowMs)
  }

  start(env: GuestsEnv): void {
    this.#fairView.start(env.rng)
    env.wakeAfter(env.rng.below(FIRST_CYCLE_MS), CYCLE)
  }

  wake(timer: GuestsTimer, env: GuestsEnv): void {
    if (timer.type === 'cycle') this.#runCycle(env)
    else if (timer.type === 'push') this.#sendFresh(env)
    else if (timer.type === 'unanswered-path') this.#errands.onUnanswered(timer.round)
    else {
      const silent = this.#checks.onUnanswered(timer.round, env)
      if (silent === undefined) return
      this.#fairView.noteChange()
      this.#contacts.remove(commonPrefix(peerKey(silent), this.#home.ownKey), silent)
      env.emit({ type: 'silent', peer: silent })
    }
  }

  receive(from: PeerId, message: GuestsMessage, env: GuestsEnv): void {
    if (!this.#rateLimit.allows(from, env.nowMs)) return this.#refuse(from, 'rate', env)
    switch (message.type) {
      case 'visit':
        return this.#onVisit(from, message, env)
      case 'welcome':
        return this.#errands.onWelcome(from, message.round)
      case 'ask':
        return this.#refer(from, message.round, message.key, env)
      case 'refer':
        return this.#onRefer(from, message, env)
      case 'push':
      case 'give':
        return this.#takeAll(from, message, env)
      case 'summary':
        return this.#onSummary(from, message, env)
      case 'holdings':
        return this.#onHoldings(from, message, env)
      case 'want':
        return this.#give(from, this.#book.withHashes(message.hashes), env)
      case 'check':
        return env.send(from, { type: 'alive', round: message.round })
      case 'alive': {
        const descriptor = this.#checks.onAlive(from, message.round, env.nowMs)
        if (descriptor !== undefined) env.emit({ type: 'alive', descriptor })
      }
    }
  }

  #runCycle(env: GuestsEnv): void {
    env.wakeAfter(this.#options.cycleMs, CYCLE)
    this.#cycleCount++
    this.#fairView.noteChange()
    const wallMs = this.#clock.wallMs(env)
    this.#book.keepOnly((key, term) => this.#isWelcome(key, term, wallMs))
    this.#checks.forgive(env.nowMs)
    const isFair = this.#fairView.isFair(env)
    if (this.#isLookDue(isFair)) {
      this.#lookAround(env)
      if (!isFair) this.#visits.clear()
    }
    if (this.#home.depth === 0 || !this.#home.isSettled) return
    this.#payVisits(wallMs, env)
    this.#checks.run(this.#fairView.descriptors(env), env)
    if (!isFair || this.#cycleCount % this.#options.exchangeCycleCount === 0) this.#exchange(env)
  }

  // Being guest.

  #payVisits(wallMs: number, env: GuestsEnv): void {
    const own = this.#own()
    const key = keyOf(own)
    const now = this.#terms.at(key, wallMs)
    const isNextNear = this.#terms.startMs(key, now + 1) - wallMs <= this.#options.leadMs
    for (const term of this.#visits.keys()) if (term < now) this.#visits.delete(term)
    for (const term of isNextNear ? [now, now + 1] : [now]) this.#payVisit(this.#visitErrand(term, env), env)
  }

  #visitErrand(term: number, env: GuestsEnv): Errand {
    let errand = this.#visits.get(term)
    if (errand === undefined) {
      const own = this.#own()
      const visit = HeldVisit.own(signVisit(own, term, env), this.#checker)
      this.#visits.set(term, (errand = Errands.create(guestKey(keyOf(own), term), visit)))
    }
    return errand
  }

  #payVisit(errand: Errand, env: GuestsEnv): void {
    if (this.#home.encloses(errand.key)) {
      if (this.#book.put(errand.visit!) === 'new') this.#pass(errand.visit!, env)
      return
    }
    const { welcomeCount, pathCountMax } = this.#options
    const wanted = welcomeCount - errand.welcomedBy.size - errand.openCount
    for (let count = 0; count < wanted && errand.starts.size < pathCountMax; count++) {
      const start = this.#drawStart(errand, env)
      if (start === undefined) return
      this.#errands.begin(errand, start, env)
    }
  }

  /** Who is near one's own key: for those who are new, and for those whom liars surround and who do not know. */
  #lookAround(env: GuestsEnv): void {
    const errand = Errands.create(keyOf(this.#own()))
    for (let count = 0; count < LOOK_PATH_COUNT; count++) {
      const start = this.#drawStart(errand, env)
      if (start === undefined) return
      this.#errands.begin(errand, start, env)
    }
  }

  /** Often in the beginning and while something is amiss, once a term otherwise. */
  #isLookDue(isFair: boolean): boolean {
    const cycle = this.#cycleCount
    const isPower = (cycle & (cycle - 1)) === 0
    const termCycleCount = Math.ceil(this.#options.termMs / this.#options.cycleMs)
    return isPower || cycle % (isFair ? termCycleCount : LOOK_CYCLES) === 0
  }

  /**
   * Whom to ask first on a new way: any of the nearest whom nobody could choose. Where these are not to be had it is once one of those
   * whom the host names, once one of all that are known.
   */
  #drawStart(errand: Errand, env: GuestsEnv): Contact | undefined {
    const nearest = (): Contact | undefined => this.#anyNear(errand, env)
    if (this.#fairView.isFair(env) || errand.starts.size % 2 === 1) return nearest() ?? this.#anyStranger(errand, env)
    return this.#anyStranger(errand, env) ?? nearest()
  }

  #anyStranger(errand: Errand, env: GuestsEnv): Contact | undefined {
    const strangers = [...this.#strangers()].filter(({ peer }) => peer !== env.self && !errand.starts.has(peer))
    return strangers.length === 0 ? undefined : strangers[env.rng.below(strangers.length)]
  }

  #anyNear(errand: Errand, env: GuestsEnv): Descriptor | undefined {
    const nearest = new Nearest({ key: errand.key, depth: this.#home.depth, count: 1 }, env.rng)
    this.#offerKnown(nearest, (peer) => peer === env.self || errand.starts.has(peer), env)
    return nearest.descriptors[0]
  }

  /** What selection knows of other cells is whoever said so last: it is all there is in the beginning, and not used later. */
  #offerKnown(nearest: Nearest, isOut: (peer: PeerId) => boolean, env: GuestsEnv): void {
    for (let index = 0; index < this.#book.count; index++)
      if (nearest.wants(this.#book.keyAt(index)))
        nearest.offer(this.#book.at(index)!.descriptor, this.#book.keyAt(index), isOut)
    for (const descriptor of this.#home.members()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    for (const descriptor of this.#contacts.descriptors()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    if (this.#fairView.isFair(env)) return
    for (const descriptor of this.#home.contacts()) nearest.offer(descriptor, keyOf(descriptor), isOut)
  }

  #onRefer(from: PeerId, message: MessageOf<'refer'>, env: GuestsEnv): void {
    const { round, descriptors } = message
    if (!this.#errands.onRefer(from, round, descriptors, env)) return
    for (const offered of descriptors) {
      if (offered.peer === env.self) continue
      const checked = this.#checker.check(offered, env)
      if (checked.ok) env.emit({ type: 'met', descriptor: checked.descriptor, from })
      else this.#refuse(from, checked.fault, env)
    }
  }

  // Having guests.

  #onVisit(from: PeerId, { round, visit }: MessageOf<'visit'>, env: GuestsEnv): void {
    const key = keyOf(visit.descriptor)
    const place = guestKey(key, visit.term)
    if (visit.descriptor.peer !== from) return this.#refuse(from, 'not-own', env)
    if (!this.#home.isSettled || !this.#home.encloses(place)) return this.#refer(from, round, place, env)
    const wallMs = this.#clock.wallMs(env)
    if (!this.#isWelcome(key, visit.term, wallMs)) {
      // Clocks differ, and messages are late: what is a little off is no offence, and no visit.
      const termsAway = Math.abs(visit.term - this.#terms.at(key, wallMs))
      return termsAway > UNTIMELY_TERMS ? this.#refuse(from, 'untimely', env) : undefined
    }
    if (this.#take(visit, from, { isNews: true }, env)) env.send(from, { type: 'welcome', round })
  }

  /** Names those who are nearest to a key: of the home cell any, where it lies there. */
  #refer(to: PeerId, round: number, key: number, env: GuestsEnv): void {
    const isOut = (peer: PeerId): boolean => peer === to
    const nearest = new Nearest({ key, depth: this.#home.depth, count: REFERRED_COUNT_MAX }, env.rng)
    if (this.#home.encloses(key))
      for (const descriptor of this.#home.members()) nearest.offer(descriptor, keyOf(descriptor), isOut)
    else this.#offerKnown(nearest, isOut, env)
    env.send(to, { type: 'refer', round, descriptors: nearest.descriptors })
  }

  #takeAll(from: PeerId, message: MessageOf<'push' | 'give'>, env: GuestsEnv): void {
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
    if (checked.descriptor.peer !== env.self) this.#meet(checked, env)
    return true
  }

  #meet({ descriptor, key }: HeldVisit, env: GuestsEnv): void {
    const level = commonPrefix(key, this.#home.ownKey)
    if (level < this.#home.depth) this.#contacts.put(level, slotOf(key, level), descriptor, this.#cycleCount)
    env.emit({ type: 'came', descriptor })
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

  #sendFresh(env: GuestsEnv): void {
    const visits = this.#fresh
    this.#fresh = []
    for (let count = 0; count < this.#options.pushFanout; count++) {
      const member = drawOther(this.#home.members(), env.self, env.rng)
      if (member !== undefined) sendPages('push', member.peer, visits, env)
    }
  }

  #exchange(env: GuestsEnv): void {
    this.#partner = drawOther(this.#home.members(), env.self, env.rng)?.peer
    if (this.#partner !== undefined) this.#sendSummary(this.#partner, env)
  }

  #sendSummary(to: PeerId, env: GuestsEnv): void {
    const { ownKey: key, depth } = this.#home
    const wallMs = Math.round(env.wallMs)
    env.send(to, { type: 'summary', key, depth, digests: this.#book.summary(() => true), wallMs })
  }

  /** Compares for the finer one of two cells. */
  #onSummary(from: PeerId, message: MessageOf<'summary'>, env: GuestsEnv): void {
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

  #onHoldings(from: PeerId, message: MessageOf<'holdings'>, env: GuestsEnv): void {
    const { key, depth, buckets, hashes, wallMs } = message
    if (from === this.#partner) this.#clock.note(from, wallMs, env)
    if (buckets.length === 0 || depth < this.#home.depth || !this.#home.encloses(key)) return
    const { ours, theirs } = this.#book.compare(buckets, hashes, isGuestIn(key, depth))
    this.#give(from, ours, env)
    if (theirs.length > 0) env.send(from, { type: 'want', hashes: sample(theirs, WANT_COUNT_MAX, env.rng) })
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

const CYCLE = { type: 'cycle' } as const
const PUSH = { type: 'push' } as const
/** Messages of one peer: as many at once, and one each so many milliseconds. An exchange of much takes a dozen. */
const RATE = { intervalMs: 100, burstCount: 32 }
/** From so many terms off on a visit is refused. */
const UNTIMELY_TERMS = 2
/** Of one that misses in one of two tries this many miss in one of 65,000. */
const DRAW_TRIES = 16
/** Who starts looks around soon, before it believes whoever comes. */
const FIRST_CYCLE_MS = 1_000
/** Ways on which a node looks around itself, and every how many cycles while something is amiss. */
const LOOK_PATH_COUNT = 3
const LOOK_CYCLES = 4

type MessageOf<Type extends GuestsMessage['type']> = GuestsMessage & { readonly type: Type }

/** A node's own cell, as selection knows it. */
export interface HomeCell {
  readonly ownKey: number
  /** How many bits of it all members share; 0 in a grid that is one cell. */
  readonly depth: number
  /** Whether this node has found it, and whether it knows everyone there. */
  readonly isSettled: boolean
  isReady(nowMs: number): boolean
  encloses(key: number): boolean
  /** This node included. */
  members(): readonly Descriptor[]
  /** Nodes known in other cells. */
  contacts(): Iterable<Descriptor>
}

export interface GuestsDependencies {
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  /** Makes addresses known to the driver, before anything is sent to that peer. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  readonly home: HomeCell
  /** Whom else to ask while nobody is known: seeds, and past peers. */
  readonly strangers: () => Iterable<Contact>
}

export interface GuestsState {
  readonly isFair: boolean
  readonly guestCount: number
}

export type GuestsTimer =
  | { readonly type: 'cycle' }
  | { readonly type: 'push' }
  | { readonly type: 'unanswered'; readonly round: number }
  | { readonly type: 'unanswered-path'; readonly round: number }

export type GuestsEvent =
  /** A guest that nobody could choose; checked, and not known to live. */
  | { readonly type: 'came'; readonly descriptor: Descriptor }
  /** Somebody named this node; checked. */
  | { readonly type: 'met'; readonly descriptor: Descriptor; readonly from: PeerId }
  /** One of the view gave a sign of life, or gave none. */
  | { readonly type: 'alive'; readonly descriptor: Descriptor }
  | { readonly type: 'silent'; readonly peer: PeerId }
  /** Something of a peer's was not taken. */
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }

export type GuestsEnv = Env<GuestsMessage, GuestsTimer, GuestsEvent>
