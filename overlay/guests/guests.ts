import { peerKey, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import type { Env, PeerId, Protocol, Surroundings } from '../env/index.ts'
import { RateLimit, type Contact } from '../sampling/index.ts'
import { Checks } from './checks.ts'
import { FairView } from './fair-view.ts'
import { GridClock } from './grid-clock.ts'
import { GuestBook } from './guest-book.ts'
import { Hosting } from './hosting.ts'
import { Known } from './known.ts'
import type { GuestsMessage } from './messages.ts'
import { GUESTS_DEFAULTS, type GuestsOptions } from './options.ts'
import { Terms } from './terms.ts'
import type { HeldVisit } from './visit.ts'
import { Visiting } from './visiting.ts'

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
  readonly #home: HomeCell
  readonly #options: GuestsOptions
  readonly #book: GuestBook
  readonly #clock = new GridClock()
  readonly #checks: Checks
  readonly #fairView: FairView
  readonly #known: Known
  readonly #visiting: Visiting
  readonly #hosting: Hosting
  readonly #rateLimit = new RateLimit(RATE)
  #cycleCount = 0

  constructor(dependencies: GuestsDependencies, partOfOptions: Partial<GuestsOptions> = {}) {
    const { checker, home } = dependencies
    const options = { ...GUESTS_DEFAULTS, ...partOfOptions }
    const clock = this.#clock
    const terms = new Terms(options)
    const book = new GuestBook({ countMax: options.guestCountMax })
    const checks = new Checks(options)
    const onFair = (): void => this.#visiting.beginAnew()
    const fairView = new FairView({ home, book, terms, clock, checks, onFair }, options)
    const known = new Known(home, book, fairView)
    const cycle = (): number => this.#cycleCount
    const onOwnGuest = (visit: HeldVisit, env: GuestsEnv): void => this.#hosting.takeOwn(visit, env)
    this.#home = home
    this.#options = options
    this.#book = book
    this.#checks = checks
    this.#fairView = fairView
    this.#known = known
    this.#visiting = new Visiting({ ...dependencies, known, fairView, terms, onOwnGuest }, options)
    this.#hosting = new Hosting({ checker, home, book, known, fairView, terms, clock, cycle }, options)
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
    else if (timer.type === 'push') this.#hosting.sendFresh(env)
    else if (timer.type === 'unanswered-path') this.#visiting.onUnanswered(timer.round)
    else {
      const silent = this.#checks.onUnanswered(timer.round, env)
      if (silent === undefined) return
      this.#fairView.noteChange()
      this.#known.forget(silent, peerKey(silent))
      env.emit({ type: 'silent', peer: silent })
    }
  }

  receive(from: PeerId, message: GuestsMessage, env: GuestsEnv): void {
    if (!this.#rateLimit.allows(from, env.nowMs)) return this.#refuse(from, 'rate', env)
    switch (message.type) {
      case 'visit':
        return this.#hosting.onVisit(from, message, env)
      case 'welcome':
        return this.#visiting.onWelcome(from, message.round)
      case 'ask':
        return this.#known.refer(from, message.round, message.key, env)
      case 'refer':
        return this.#visiting.onRefer(from, message, env)
      case 'push':
      case 'give':
        return this.#hosting.takeAll(from, message, env)
      case 'summary':
        return this.#hosting.onSummary(from, message, env)
      case 'holdings':
        return this.#hosting.onHoldings(from, message, env)
      case 'want':
        return this.#hosting.onWant(from, message, env)
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
    this.#hosting.seeOff(wallMs)
    this.#checks.forgive(env.nowMs)
    const isFair = this.#fairView.isFair(env)
    if (this.#isLookDue(isFair)) {
      this.#visiting.lookAround(env)
      if (!isFair) this.#visiting.beginAnew()
    }
    if (this.#home.depth === 0 || !this.#home.isSettled) return
    this.#visiting.run(wallMs, env)
    this.#checks.run(this.#fairView.descriptors(env), env)
    if (!isFair || this.#cycleCount % this.#options.exchangeCycleCount === 0) this.#hosting.exchange(env)
  }

  /** Often in the beginning and while something is amiss, once a term otherwise. */
  #isLookDue(isFair: boolean): boolean {
    const cycle = this.#cycleCount
    const isPower = (cycle & (cycle - 1)) === 0
    const termCycleCount = Math.ceil(this.#options.termMs / this.#options.cycleMs)
    return isPower || cycle % (isFair ? termCycleCount : LOOK_CYCLES) === 0
  }

  #refuse(peer: PeerId, reason: string, env: GuestsEnv): void {
    env.emit({ type: 'refused', peer, reason })
  }
}

const CYCLE = { type: 'cycle' } as const
/** Messages of one peer: as many at once, and one each so many milliseconds. An exchange of much takes a dozen. */
const RATE = { intervalMs: 100, burstCount: 32 }
/** Who starts looks around soon, before it believes whoever comes. */
const FIRST_CYCLE_MS = 1_000
/** Every how many cycles a node looks around itself while something is amiss. */
const LOOK_CYCLES = 4

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
