import type { Descriptor, DescriptorChecker } from '../descriptor/index.ts'
import { shuffle, type Env, type PeerId, type Plain, type Protocol } from '../env/index.ts'
import type { Contact } from './contact.ts'
import type { Entry, SamplingMessage } from './messages.ts'
import { SAMPLING_DEFAULTS, type SamplingOptions } from './options.ts'
import { RateLimit } from './rate-limit.ts'
import { Reserve } from './reserve.ts'
import { View } from './view.ts'

/**
 * Sampling keeps a few random live nodes at hand, however large the grid is. Each node holds a small view. Once a cycle it
 * takes the peer that it has not heard of for the longest, and the two swap some of what they hold, the asker's own fresh
 * descriptor among it. Since the oldest is always asked first, and dropped when silent, the dead are washed out within a
 * cycle for each slot of the view; since links are swapped and not copied, nobody is known by many more than others are.
 *
 * This is Cyclon (Voulgaris, Gavidia and van Steen, "CYCLON: Inexpensive Membership Management for Unstructured P2P
 * Overlays", 2005, section 3) with these additions:
 * - A silent peer is replaced by the next oldest within the same cycle, up to `retryCount` times; the dead go sooner.
 * - While the view has empty slots, an asked peer that answered stays in it. Cyclon gives the link away, which leaves
 *   grids smaller than the view without links that they have room for.
 * - A reserve of past peers (HyParView's passive view: Leitao, Pereira and Rodrigues 2007) is kept on disk by the host.
 *   With an empty view, seeds and reserve are tried for ever; now and then one is asked even so, which joins halves of a
 *   grid that have forgotten each other.
 * - Descriptors are signed by their nodes, a reply counts only for the shuffle that it answers and only once, and a peer
 *   may start no more shuffles than a rate allows: what one peer can push is bounded by time.
 * What is not here: nodes that push only each other can still win the view slowly. Against them stand slots held
 * by hashed rank (BASALT: Auvolat et al. 2023) or proofs of double use of a link (SecureCyclon: Antonov and Voulgaris 2023);
 * both change how a slot is chosen, in `View`, and not the messages.
 */
export class Sampling implements Protocol<SamplingMessage, SamplingTimer, SamplingEvent> {
  readonly #own: () => Descriptor
  readonly #checker: DescriptorChecker
  readonly #onAddress: (peer: PeerId, addresses: readonly string[]) => void
  readonly #options: SamplingOptions
  readonly #view: View
  readonly #reserve: Reserve
  readonly #rateLimit: RateLimit
  #seeds: readonly Contact[]
  #cycleCount = 0
  #round = 0
  /** The shuffle that waits for its reply. */
  #asked: { round: number; peer: PeerId; sent: PeerId[]; retriesLeft: number } | undefined
  /** The newest rounds that were sent to contacts, whose replies are welcome for as long as they stand here. */
  readonly #searchRounds = new Map<number, PeerId>()
  #searchDelayMs: number
  #searching = false
  #reserveChangedAtMs: number | undefined
  #reserveStoredAtMs = Number.NEGATIVE_INFINITY

  constructor(dependencies: SamplingDependencies, options: Partial<SamplingOptions> & SamplingStart = {}) {
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#onAddress = dependencies.onAddress
    this.#options = { ...SAMPLING_DEFAULTS, ...options }
    this.#view = new View({ size: this.#options.viewSize })
    this.#reserve = new Reserve({ countMax: this.#options.reserveCountMax })
    this.#rateLimit = new RateLimit({ intervalMs: this.#options.firstCycleMs / 2, burstCount: 8 })
    this.#seeds = options.seeds ?? []
    this.#searchDelayMs = this.#options.searchMsMin
    if (options.reserve !== undefined) this.#reserve.restore(options.reserve)
  }

  /** Random nodes, believed to be alive. */
  view(): readonly Descriptor[] {
    return this.#view.descriptors()
  }

  /** What the host stores, and gives back as `reserve` at the next start. */
  snapshot(): Plain {
    return this.#reserve.snapshot()
  }

  /** Contacts to try beside the reserve, at once where the view is empty. */
  seed(seeds: readonly Contact[], env: SamplingEnv): void {
    this.#seeds = [...this.#seeds, ...seeds].slice(-SEED_COUNT_MAX)
    this.#searchDelayMs = this.#options.searchMsMin
    if (this.#view.count === 0) this.#search(env)
  }

  /** A peer that was heard of elsewhere: worth knowing after a restart. */
  remember(contact: Contact, env: SamplingEnv): void {
    if (!this.#reserve.keep(contact)) return
    this.#reserveChangedAtMs ??= env.nowMs
    if (this.#reserve.count <= RESERVE_FEW_COUNT) this.#storeReserve(env)
  }

  /** Takes a peer out of the view; one that left for good also goes from the reserve. */
  forget(peer: PeerId, reason: 'dead' | 'left'): void {
    this.#view.remove(peer)
    if (reason === 'left') this.#reserve.drop(peer)
  }

  start(env: SamplingEnv): void {
    env.wakeAfter(env.rng.below(Math.max(1, this.#options.firstCycleMs)), { type: 'cycle' })
    this.#search(env)
  }

  wake(timer: SamplingTimer, env: SamplingEnv): void {
    if (timer.type === 'cycle') this.#runCycle(env)
    else if (timer.type === 'unanswered') this.#giveUp(timer.round, env)
    else this.#continueSearch(env)
  }

  receive(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    if (message.type === 'shuffle') this.#answer(from, message, env)
    else this.#takeReply(from, message, env)
  }

  #runCycle(env: SamplingEnv): void {
    const { cycleMs, firstCycleMs, firstCycleCount, reserveCycleCount, retryCount } = this.#options
    this.#cycleCount++
    this.#view.growOlder()
    env.wakeAfter(this.#cycleCount < firstCycleCount ? firstCycleMs : cycleMs, { type: 'cycle' })
    this.#storeReserve(env)
    if (this.#view.count === 0) return this.#search(env)
    this.#shuffleWithOldest(retryCount, env)
    if (this.#cycleCount % reserveCycleCount === 0) this.#greetForgotten(env)
  }

  #shuffleWithOldest(retriesLeft: number, env: SamplingEnv): void {
    const peer = this.#view.oldest()?.peer
    if (peer === undefined) {
      this.#asked = undefined
      return this.#search(env)
    }
    this.#view.remove(peer)
    const others = this.#view.draw(this.#options.shuffleSize - 1, env.rng)
    const round = ++this.#round
    this.#asked = { round, peer, sent: others.map((entry) => entry.descriptor.peer), retriesLeft }
    env.send(peer, { type: 'shuffle', round, entries: [{ descriptor: this.#own(), age: 0 }, ...others] })
    env.wakeAfter(this.#options.replyTimeoutMs, { type: 'unanswered', round })
  }

  /** The peer was silent, and is out of the view since it was asked. */
  #giveUp(round: number, env: SamplingEnv): void {
    const asked = this.#asked
    if (asked?.round !== round) return
    this.#asked = undefined
    env.emit({ type: 'silent', peer: asked.peer })
    if (asked.retriesLeft > 0) this.#shuffleWithOldest(asked.retriesLeft - 1, env)
  }

  #answer(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    const others = this.#view.draw(this.#options.shuffleSize, env.rng).filter((entry) => entry.descriptor.peer !== from)
    const entries = this.#view.isFull
      ? others
      : [{ descriptor: this.#own(), age: 0 }, ...others.slice(0, this.#options.shuffleSize - 1)]
    env.send(from, { type: 'shuffle-reply', round: message.round, entries })
    const sent = others.map((entry) => entry.descriptor.peer)
    this.#merge(from, message.entries, shuffle(sent, env.rng), env)
  }

  #takeReply(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    const asked = this.#asked
    if (asked !== undefined && asked.round === message.round && asked.peer === from) {
      this.#asked = undefined
      this.#merge(from, message.entries, asked.sent, env)
    } else if (this.#searchRounds.get(message.round) === from) {
      this.#searchRounds.delete(message.round)
      this.#merge(from, message.entries, [], env)
    }
  }

  /** Takes in what a peer gave: into empty slots, then in place of what was given for it. */
  #merge(from: PeerId, entries: readonly Entry[], replaceable: PeerId[], env: SamplingEnv): void {
    for (const entry of entries.slice(0, this.#options.shuffleSize)) {
      if (entry.descriptor.peer === env.self) {
        env.emit({ type: 'heard', descriptor: entry.descriptor, from })
        continue
      }
      const checked = this.#checker.check(entry.descriptor, env)
      if (!checked.ok) {
        env.emit({ type: 'refused', peer: from, reason: checked.fault })
        continue
      }
      const { descriptor } = checked
      this.#onAddress(descriptor.peer, descriptor.addresses)
      if (this.#reserve.keep(descriptor)) this.#reserveChangedAtMs ??= env.nowMs
      this.#view.insert({ descriptor, age: entry.age }, replaceable)
      env.emit({ type: 'heard', descriptor, from })
    }
    if (this.#reserve.count <= RESERVE_FEW_COUNT) this.#storeReserve(env)
  }

  /** Asks seeds and reserve for a first view, unless that is under way. */
  #search(env: SamplingEnv): void {
    if (this.#searching) return
    this.#searching = true
    this.#continueSearch(env)
  }

  #continueSearch(env: SamplingEnv): void {
    const { searchMsMin, searchMsMax, searchContactCount } = this.#options
    if (this.#view.count > 0) {
      this.#searching = false
      this.#searchDelayMs = searchMsMin
      return
    }
    const seeds = shuffle([...this.#seeds], env.rng).slice(0, searchContactCount)
    for (const contact of [...seeds, ...this.#reserve.draw(searchContactCount, env.rng)]) this.#greet(contact, env)
    env.wakeAfter(this.#searchDelayMs / 2 + env.rng.below(Math.ceil(this.#searchDelayMs)), { type: 'search' })
    this.#searchDelayMs = Math.min(this.#searchDelayMs * 1.5, searchMsMax)
  }

  /** Now and then someone who is in the reserve or a seed, but not in the view, is asked too. */
  #greetForgotten(env: SamplingEnv): void {
    const contact = this.#reserve.draw(1, env.rng)[0] ?? this.#seeds[env.rng.below(Math.max(1, this.#seeds.length))]
    if (contact !== undefined && !this.#view.has(contact.peer)) this.#greet(contact, env)
  }

  #greet(contact: Contact, env: SamplingEnv): void {
    if (contact.peer === env.self) return
    this.#onAddress(contact.peer, contact.addresses)
    const round = ++this.#round
    if (this.#searchRounds.size >= SEARCH_ROUND_COUNT_MAX)
      this.#searchRounds.delete(this.#searchRounds.keys().next().value!)
    this.#searchRounds.set(round, contact.peer)
    env.send(contact.peer, { type: 'shuffle', round, entries: [{ descriptor: this.#own(), age: 0 }] })
  }

  /** While it holds a few only it is stored at once: a node that dies young has nobody else to come back to. */
  #storeReserve(env: SamplingEnv): void {
    if (this.#reserveChangedAtMs === undefined) return
    const { reserveStoreMs, reserveRestMs, reserveFewRestMs } = this.#options
    const isFew = this.#reserve.count <= RESERVE_FEW_COUNT
    const dueMs = isFew ? 0 : this.#reserveChangedAtMs + reserveStoreMs
    if (env.nowMs < Math.max(dueMs, this.#reserveStoredAtMs + (isFew ? reserveFewRestMs : reserveRestMs))) return
    this.#reserveChangedAtMs = undefined
    this.#reserveStoredAtMs = env.nowMs
    env.emit({ type: 'reserve-changed' })
  }
}

/** Up to so many peers the reserve is worth a write for each that is new. */
const RESERVE_FEW_COUNT = 16
/** Seeds beyond these make the oldest ones go. */
const SEED_COUNT_MAX = 64
/** Greetings to contacts whose replies are still welcome. */
const SEARCH_ROUND_COUNT_MAX = 32

export interface SamplingDependencies {
  /** This node's newest descriptor. */
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  /** Makes addresses known to the driver, before anything is sent to that peer. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
}

export interface SamplingStart {
  readonly seeds?: readonly Contact[]
  /** What `snapshot` gave in an earlier life. */
  readonly reserve?: unknown
}

export type SamplingTimer =
  | { readonly type: 'cycle' }
  | { readonly type: 'unanswered'; readonly round: number }
  | { readonly type: 'search' }

export type SamplingEvent =
  /** A checked descriptor that came by, or whatever someone holds for our own. */
  | { readonly type: 'heard'; readonly descriptor: Descriptor; readonly from: PeerId }
  /** A peer did not answer a shuffle. */
  | { readonly type: 'silent'; readonly peer: PeerId }
  /** Something of a peer's was not taken. */
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }
  /** The reserve is worth storing again. */
  | { readonly type: 'reserve-changed' }

type SamplingEnv = Env<SamplingMessage, SamplingTimer, SamplingEvent>
