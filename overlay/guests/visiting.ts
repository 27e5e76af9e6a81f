import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { Contact } from '../sampling/index.ts'
import { Errands, type Errand } from './errands.ts'
import type { FairView } from './fair-view.ts'
import type { GuestsEnv, HomeCell } from './guests.ts'
import type { Known } from './known.ts'
import type { GuestsMessage } from './messages.ts'
import type { GuestsOptions } from './options.ts'
import { guestKey, type Terms } from './terms.ts'
import { HeldVisit, signVisit } from './visit.ts'

export interface VisitingDependencies {
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  readonly home: HomeCell
  readonly known: Known
  readonly fairView: FairView
  readonly terms: Terms
  readonly strangers: () => Iterable<Contact>
  /** This node is guest in its own home cell. */
  readonly onOwnGuest: (visit: HeldVisit, env: GuestsEnv) => void
}

/** How a node gets to the cells where it is guest, and to its own: on several ways at once, from one who is named to one who is nearer. */
export class Visiting {
  readonly #own: () => Descriptor
  readonly #checker: DescriptorChecker
  readonly #home: HomeCell
  readonly #known: Known
  readonly #fairView: FairView
  readonly #terms: Terms
  readonly #strangers: () => Iterable<Contact>
  readonly #onOwnGuest: (visit: HeldVisit, env: GuestsEnv) => void
  readonly #options: GuestsOptions
  readonly #errands: Errands
  /** To the cell of each term that is near. */
  readonly #visits = new Map<number, Errand>()

  constructor(dependencies: VisitingDependencies, options: GuestsOptions) {
    const { onAddress, home } = dependencies
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#home = home
    this.#known = dependencies.known
    this.#fairView = dependencies.fairView
    this.#terms = dependencies.terms
    this.#strangers = dependencies.strangers
    this.#onOwnGuest = dependencies.onOwnGuest
    this.#options = options
    this.#errands = new Errands({ onAddress, depth: () => home.depth }, options)
  }

  /** Who was welcomed by whomever it knew before comes again. */
  beginAnew(): void {
    this.#visits.clear()
  }

  /** To the cells of this term and, when it is near, of the next. */
  run(wallMs: number, env: GuestsEnv): void {
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
      this.#onOwnGuest(errand.visit!, env)
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
  lookAround(env: GuestsEnv): void {
    const errand = Errands.create(keyOf(this.#own()))
    for (let count = 0; count < LOOK_PATH_COUNT; count++) {
      const start = this.#drawStart(errand, env)
      if (start === undefined) return
      this.#errands.begin(errand, start, env)
    }
  }

  /**
   * Whom to ask first on a new way: any of the nearest whom nobody could choose. Where these are not to be had it is once one of those
   * whom the host names, once one of all that are known.
   */
  #drawStart(errand: Errand, env: GuestsEnv): Contact | undefined {
    const isOut = (peer: PeerId): boolean => peer === env.self || errand.starts.has(peer)
    const nearest = (): Contact | undefined => this.#known.nearest(errand.key, isOut, env)
    if (this.#fairView.isFair(env) || errand.starts.size % 2 === 1) return nearest() ?? this.#anyStranger(errand, env)
    return this.#anyStranger(errand, env) ?? nearest()
  }

  #anyStranger(errand: Errand, env: GuestsEnv): Contact | undefined {
    const strangers = [...this.#strangers()].filter(({ peer }) => peer !== env.self && !errand.starts.has(peer))
    return strangers.length === 0 ? undefined : strangers[env.rng.below(strangers.length)]
  }

  onRefer(from: PeerId, message: GuestsMessage & { readonly type: 'refer' }, env: GuestsEnv): void {
    const { round, descriptors } = message
    if (!this.#errands.onRefer(from, round, descriptors, env)) return
    for (const offered of descriptors) {
      if (offered.peer === env.self) continue
      const checked = this.#checker.check(offered, env)
      if (checked.ok) env.emit({ type: 'met', descriptor: checked.descriptor, from })
      else env.emit({ type: 'refused', peer: from, reason: checked.fault })
    }
  }

  onWelcome(from: PeerId, round: number): void {
    this.#errands.onWelcome(from, round)
  }

  onUnanswered(round: number): void {
    this.#errands.onUnanswered(round)
  }
}

/** Ways on which a node looks around itself. */
const LOOK_PATH_COUNT = 3
