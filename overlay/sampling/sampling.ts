import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { shuffle, type Env, type PeerId, type Plain, type Protocol } from '../env/index.ts'
import type { Contact } from './contact.ts'
import { OwnMessage, type Entries, type SamplingMessage } from './messages.ts'
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
 * - What was offered to one peer is offered to no other until that one has answered or was given up: shuffles overlap, and
 *   links would double.
 * - Descriptors are signed by their nodes, a reply counts only for the shuffle that it answers and only once, a peer may
 *   start no more shuffles than a rate allows, and a full view learns from a few askers in a cycle.
 * What is not here: nodes that name only each other still win the views, within tens of cycles. See docs/decisions/0005.
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
  /** The shuffle that waits for its reply: whom it went to, and how often another may be asked. What was given is lent by the view. */
  #asked: Descriptor | undefined
  #askedRound = 0
  #askedAtMs = 0
  #retriesLeft = 0
  /** Shuffles of others that were taken in since the last cycle began. */
  #takenCount = 0
  /** The newest rounds that were sent to contacts, whose replies are welcome for as long as they stand here. */
  #searchRounds: Map<number, PeerId> | undefined
  #searchDelayMs: number
  #searching = false
  #reserveChangedAtMs: number | undefined
  #reserveStoredAtMs = NEVER_MS

  constructor(dependencies: SamplingDependencies, options: Partial<SamplingOptions> & SamplingStart = {}) {
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#onAddress = dependencies.onAddress
    this.#options = completed(options)
    this.#view = new View({ size: this.#options.viewSize })
    this.#reserve = new Reserve({ countMax: this.#options.reserveCountMax })
    this.#rateLimit = new RateLimit({ intervalMs: this.#options.firstCycleMs / 2, burstCount: 8 })
    this.#seeds = options.seeds ?? NOBODY
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

  /** Checked descriptors of nodes that were up a moment ago: a first view, as far as there is room. */
  know(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) this.#view.insert(descriptor, keyOf(descriptor), 0)
  }

  /** Takes a peer out of the view; one that left for good also goes from the reserve. */
  forget(peer: PeerId, reason: 'dead' | 'left'): void {
    this.#view.remove(peer)
    if (reason === 'left') this.#reserve.drop(peer)
  }

  /** Reads what the next message will touch, and changes nothing: a simulator's way to have it at hand (see its `foresee`). */
  look(message: Partial<Entries>): number {
    return this.#view.look() + this.#reserve.count + (message.marks?.length ?? 0) + (message.descriptors?.length ?? 0)
  }

  start(env: SamplingEnv): void {
    env.wakeAfter(env.rng.below(Math.max(1, this.#options.firstCycleMs)), CYCLE)
    this.#search(env)
  }

  wake(timer: SamplingTimer, env: SamplingEnv): void {
    if (timer.type === 'cycle') this.#runCycle(env)
    else if (timer.type === 'unanswered') this.#giveUp(env)
    else this.#continueSearch(env)
  }

  receive(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    if (message.type === 'shuffle') this.#answer(from, message, env)
    else this.#takeReply(from, message, env)
  }

  #runCycle(env: SamplingEnv): void {
    const { cycleMs, firstCycleMs, firstCycleCount, reserveCycleCount, retryCount } = this.#options
    this.#cycleCount++
    this.#takenCount = 0
    this.#view.growOlder()
    env.wakeAfter(this.#cycleCount < firstCycleCount ? firstCycleMs : cycleMs, CYCLE)
    this.#storeReserve(env)
    if (this.#view.count === 0) return this.#search(env)
    this.#shuffleWithOldest(retryCount, env)
    if (this.#cycleCount % reserveCycleCount === 0) this.#greetForgotten(env)
  }

  #shuffleWithOldest(retriesLeft: number, env: SamplingEnv): void {
    this.#view.settle()
    const asked = this.#view.takeOldest()
    this.#asked = asked
    if (asked === undefined) return this.#search(env)
    const drawn = this.#view.lend(this.#options.shuffleSize - 1, env.rng)
    this.#addOwn(drawn)
    this.#askedRound = ++this.#round
    this.#askedAtMs = env.nowMs
    this.#retriesLeft = retriesLeft
    this.#onAddress(asked.peer, asked.addresses)
    env.send(asked.peer, new OwnMessage('shuffle', this.#askedRound, drawn, this.#checker))
    env.wakeAfter(this.#options.replyTimeoutMs, UNANSWERED)
  }

  /** The peer was silent, and is out of the view since it was asked. */
  #giveUp(env: SamplingEnv): void {
    const asked = this.#asked
    // What was asked since has a timer of its own.
    if (asked === undefined || env.nowMs < this.#askedAtMs + this.#options.replyTimeoutMs) return
    this.#asked = undefined
    this.#view.settle()
    env.emit({ type: 'silent', peer: asked.peer })
    if (this.#retriesLeft > 0) this.#shuffleWithOldest(this.#retriesLeft - 1, env)
  }

  /** Everyone is answered, but only so many in a cycle are learned from: to ask often is no way to fill another's view. */
  #answer(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    const { isWanting } = this.#view
    const drawn = this.#view.draw(this.#options.shuffleSize - (isWanting ? 1 : 0), env.rng)
    if (isWanting) this.#addOwn(drawn)
    env.send(from, new OwnMessage('shuffle-reply', message.round, drawn, this.#checker))
    if (isWanting || ++this.#takenCount <= TAKEN_COUNT_MAX) this.#merge(from, message, drawn.start, drawn.end, env)
  }

  #addOwn({ descriptors, marks }: { descriptors: Descriptor[]; marks: number[] }): void {
    const own = this.#own()
    descriptors.push(own)
    marks.push(keyOf(own), 0)
  }

  #takeReply(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    const asked = this.#asked
    if (asked !== undefined && this.#askedRound === message.round && asked.peer === from) {
      this.#asked = undefined
      this.#merge(from, message, 0, this.#view.settle(), env)
      // As seldom as that: whom it holds changes slowly, and has to be searched for each.
      if (this.#cycleCount % RESERVE_EVERY_CYCLES === 0) this.#reserveKeep(asked, env)
    } else if (this.#searchRounds?.get(message.round) === from) {
      this.#searchRounds.delete(message.round)
      this.#merge(from, message, 0, 0, env)
    }
  }

  /** Takes in what a peer gave: into empty slots, then in place of what was given for it, which stands in the view from `start` to `end`. */
  #merge(from: PeerId, message: SamplingMessage, start: number, end: number, env: SamplingEnv): void {
    const { descriptors, marks } = message
    const isChecked = OwnMessage.isCheckedBy(message, this.#checker)
    const own = this.#own()
    const ownKey = keyOf(own)
    const reserveRoom = Math.min(RESERVE_QUICK_COUNT, this.#options.reserveCountMax)
    const count = Math.min(descriptors.length, this.#options.shuffleSize)
    let next = start
    // Most often all that comes is news: then the host gets the list as it came.
    let news: Descriptor[] | undefined
    for (let index = 0; index < count; index++) {
      const offered = descriptors[index]!
      const key = marks[2 * index]!
      const age = marks[2 * index + 1]!
      const isOwn = key === ownKey && offered.peer === own.peer
      const descriptor = isOwn || isChecked ? offered : this.#check(from, offered, env)
      let isNews = isOwn && offered.sequence > own.sequence
      if (!isOwn && descriptor !== undefined) {
        const inserted = this.#view.insert(descriptor, key, age)
        isNews = inserted === 'taken' || (inserted === 'full' && next < end)
        if (isNews && inserted === 'full') this.#view.replaceAt(next++, descriptor, key, age)
        if (this.#reserve.count < reserveRoom) this.#reserveKeep(descriptor, env)
      }
      if (!isNews || descriptor !== offered) news ??= descriptors.slice(0, index)
      if (isNews) news?.push(descriptor!)
    }
    if (news === undefined || news.length > 0) env.emit({ type: 'heard', descriptors: news ?? descriptors, from })
    if (this.#reserve.count <= RESERVE_FEW_COUNT) this.#storeReserve(env)
  }

  #check(from: PeerId, offered: Descriptor, env: SamplingEnv): Descriptor | undefined {
    const checked = this.#checker.check(offered, env)
    if (checked.ok) return checked.descriptor
    env.emit({ type: 'refused', peer: from, reason: checked.fault })
    return undefined
  }

  #reserveKeep(descriptor: Descriptor, env: SamplingEnv): void {
    if (this.#reserve.keep(descriptor, keyOf(descriptor))) this.#reserveChangedAtMs ??= env.nowMs
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
    env.wakeAfter(this.#searchDelayMs / 2 + env.rng.below(Math.ceil(this.#searchDelayMs)), SEARCH)
    this.#searchDelayMs = Math.min(this.#searchDelayMs * 1.5, searchMsMax)
  }

  /** Now and then someone who is in the reserve or a seed, but not in the view, is asked too. */
  #greetForgotten(env: SamplingEnv): void {
    const contact = this.#reserve.drawOne(env.rng) ?? this.#seeds[env.rng.below(Math.max(1, this.#seeds.length))]
    if (contact !== undefined && !this.#view.has(contact.peer)) this.#greet(contact, env)
  }

  #greet(contact: Contact, env: SamplingEnv): void {
    if (contact.peer === env.self) return
    this.#onAddress(contact.peer, contact.addresses)
    const round = ++this.#round
    this.#searchRounds ??= new Map()
    if (this.#searchRounds.size >= SEARCH_ROUND_COUNT_MAX)
      this.#searchRounds.delete(this.#searchRounds.keys().next().value!)
    this.#searchRounds.set(round, contact.peer)
    const hello: { descriptors: Descriptor[]; marks: number[] } = { descriptors: [], marks: [] }
    this.#addOwn(hello)
    env.send(contact.peer, new OwnMessage('shuffle', round, hello, this.#checker))
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

/** A whole set of options is shared and not copied: a simulation has a million nodes with the same. */
function completed(options: Partial<SamplingOptions>): SamplingOptions {
  for (const name in SAMPLING_DEFAULTS) if (!(name in options)) return { ...SAMPLING_DEFAULTS, ...options }
  return options as SamplingOptions
}

/** Timers are told apart by their type alone: one object of each serves all. */
const CYCLE = { type: 'cycle' } as const
const UNANSWERED = { type: 'unanswered' } as const
const SEARCH = { type: 'search' } as const

const NOBODY: readonly Contact[] = []
/** Long before any clock began. */
const NEVER_MS = -1e15
/** Up to so many peers the reserve is worth a write for each that is new. */
const RESERVE_FEW_COUNT = 16
/**
 * Up to so many it takes in whoever enters the view; then those who answered. When nine of ten nodes are gone at once, one node in
 * eight knows only dead ones, and one in 800 of those has nobody alive among 64.
 */
const RESERVE_QUICK_COUNT = 64
/** How often whoever answered is put into the reserve. */
const RESERVE_EVERY_CYCLES = 4
/**
 * Shuffles of others that a full view learns from in one cycle. One comes on average, as often as others follow links: five
 * in one cycle of 270 (Poisson).
 */
const TAKEN_COUNT_MAX = 4
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

export type SamplingTimer = { readonly type: 'cycle' } | { readonly type: 'unanswered' } | { readonly type: 'search' }

export type SamplingEvent =
  /** Checked descriptors that entered the view, or are newer than what came by; and, unchecked, what says to be newer than our own. */
  | { readonly type: 'heard'; readonly descriptors: readonly Descriptor[]; readonly from: PeerId }
  /** A peer did not answer a shuffle. */
  | { readonly type: 'silent'; readonly peer: PeerId }
  /** Something of a peer's was not taken. */
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }
  /** The reserve is worth storing again. */
  | { readonly type: 'reserve-changed' }

type SamplingEnv = Env<SamplingMessage, SamplingTimer, SamplingEvent>
