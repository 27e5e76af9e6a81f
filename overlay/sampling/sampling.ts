import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { shuffle, type Env, type PeerId, type Plain, type Protocol } from '../env/index.ts'
import { Book, isSamePeer, NOBODY } from './book.ts'
import type { SamplingCommons } from './commons.ts'
import type { Contact } from './contact.ts'
import { describe, ENTRY_COUNT_MAX, NumberedMessage, type SamplingMessage } from './messages.ts'
import { SAMPLING_DEFAULTS, type SamplingOptions } from './options.ts'
import { RateLimit } from './rate-limit.ts'
import { Reserve } from './reserve.ts'
import { Views } from './views.ts'

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
  // What nearly every message needs stands first: with many nodes in one process each line of memory counts.
  readonly #views: Views
  readonly #row: number
  /** The own descriptor as it stands in the book. */
  #ownNumber: number
  #cycleCount = 0
  #round = 0
  /** The shuffle that waits for its reply: whom it went to, and how often another may be asked. What was given is lent by the view. */
  #asked = NOBODY
  #askedRound = 0
  #retriesLeft = 0
  /** Shuffles of others that were taken in since the last cycle began. */
  #takenCount = 0
  /** The same as `#reserve.count`. */
  #reserveCount = 0
  /** In whole milliseconds, which take no memory of their own. */
  #reserveChangedAtMs: number | undefined
  #reserveStoredAtMs = NEVER_MS
  readonly #options: SamplingOptions
  readonly #rateLimit: RateLimit
  readonly #isAmongMany: boolean
  readonly #readOwn: (() => Descriptor) | undefined
  #own: Descriptor
  readonly #onAddress: SamplingDependencies['onAddress']
  readonly #reserve: Reserve
  readonly #checker: DescriptorChecker
  #seeds: readonly Contact[]
  /** The newest rounds that were sent to contacts, whose replies are welcome for as long as they stand here. */
  #searchRounds: Map<number, PeerId> | undefined
  #searchDelayMs: number
  #searching = false

  constructor(dependencies: SamplingDependencies, options: Partial<SamplingOptions> & SamplingStart = {}) {
    const { own, checker, onAddress, commons } = dependencies
    this.#readOwn = typeof own === 'function' ? own : undefined
    this.#checker = checker
    this.#onAddress = onAddress
    this.#options = completed(options)
    const { viewSize, reserveCountMax, firstCycleMs, searchMsMin } = this.#options
    this.#isAmongMany = commons !== undefined
    this.#views =
      commons?.views ?? new Views(new Book({ countMax: viewSize + BOOK_SPARE_COUNT }), { size: viewSize, count: 1 })
    this.#own = typeof own === 'function' ? own() : own
    this.#ownNumber = this.#views.book.numberOf(this.#own)
    this.#row = this.#views.open(this.#ownNumber >> 1)
    this.#reserve = new Reserve({ countMax: reserveCountMax })
    this.#rateLimit = new RateLimit({ intervalMs: firstCycleMs / 2, burstCount: 8 })
    this.#seeds = options.seeds ?? NOBODY_KNOWN
    this.#searchDelayMs = searchMsMin
    if (options.reserve !== undefined) this.#reserve.restore(options.reserve)
    this.#reserveCount = this.#reserve.count
  }

  /** Random nodes, believed to be alive. */
  view(): readonly Descriptor[] {
    return this.#views.descriptors(this.#row)
  }

  /** What the host stores, and gives back as `reserve` at the next start. */
  snapshot(): Plain {
    return this.#reserve.snapshot()
  }

  /** Contacts to try beside the reserve, at once where the view is empty. */
  seed(seeds: readonly Contact[], env: SamplingEnv): void {
    this.#seeds = [...this.#seeds, ...seeds].slice(-SEED_COUNT_MAX)
    this.#searchDelayMs = this.#options.searchMsMin
    if (this.#views.countOf(this.#row) === 0) this.#search(env)
  }

  /** A peer that was heard of elsewhere: worth knowing after a restart. */
  remember(contact: Contact, env: SamplingEnv): void {
    if (!this.#reserveKeep(contact, env)) return
    if (this.#reserveCount <= RESERVE_FEW_COUNT) this.#storeReserve(env)
  }

  /** Checked descriptors of nodes that were up a moment ago: a first view, as far as there is room. */
  know(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) {
      this.#makeRoom(1)
      const number = this.#views.book.numberOf(descriptor)
      if (number !== NOBODY) this.#views.merge(this.#row, [number, 0], this.#ownNumber, 0, 0)
    }
  }

  /** Takes a peer out of the view; one that left for good also goes from the reserve. */
  forget(peer: PeerId, reason: 'dead' | 'left'): void {
    this.#views.remove(this.#row, this.#views.book.find(peer))
    if (reason === 'left') this.#reserve.drop(peer)
    this.#reserveCount = this.#reserve.count
  }

  start(env: SamplingEnv): void {
    env.wakeAfter(env.rng.below(Math.max(1, this.#options.firstCycleMs)), CYCLE)
    this.#search(env)
  }

  wake(timer: SamplingTimer, env: SamplingEnv): void {
    if (typeof timer === 'number') this.#giveUp(timer, env)
    else if (timer === CYCLE) this.#runCycle(env)
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
    this.#views.growOlder(this.#row)
    env.wakeAfter(this.#cycleCount < firstCycleCount ? firstCycleMs : cycleMs, CYCLE)
    if (this.#reserveChangedAtMs !== undefined) this.#storeReserve(env)
    if (this.#views.countOf(this.#row) === 0) return this.#search(env)
    this.#shuffleWithOldest(retryCount, env)
    // By chance, since nodes that started together would all ask at once, and nobody in between.
    if (env.rng.below(reserveCycleCount) === 0) this.#greetForgotten(env)
  }

  #shuffleWithOldest(retriesLeft: number, env: SamplingEnv): void {
    const views = this.#views
    const row = this.#row
    views.settle(row)
    this.#asked = NOBODY
    if (views.countOf(row) === 0) return this.#search(env)
    const asked = views.takeOldest(row)
    const entries = views.lend(row, this.#options.shuffleSize - 1, env.rng)
    this.#addOwn(entries)
    this.#asked = asked
    this.#askedRound = ++this.#round
    this.#retriesLeft = retriesLeft
    if (this.#onAddress !== undefined) {
      const { peer, addresses } = this.#views.book.at(asked)
      this.#onAddress(peer, addresses)
    }
    env.send(this.#views.book.peerAt(asked), this.#messageOf('shuffle', this.#round, entries))
    env.wakeAfter(this.#options.replyTimeoutMs, this.#round)
  }

  /** The peer was silent, and is out of the view since it was asked. What was asked since has a timer of its own. */
  #giveUp(round: number, env: SamplingEnv): void {
    const asked = this.#asked
    if (asked === NOBODY || round !== this.#askedRound) return
    this.#asked = NOBODY
    this.#views.settle(this.#row)
    env.emit({ type: 'silent', peer: this.#views.book.peerAt(asked) })
    if (this.#retriesLeft > 0) this.#shuffleWithOldest(this.#retriesLeft - 1, env)
  }

  /** Everyone is answered, but only so many in a cycle are learned from: to ask often is no way to fill another's view. */
  #answer(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    const views = this.#views
    const row = this.#row
    const isWanting = views.isWanting(row)
    const start = views.lentCount(row)
    const entries = views.draw(row, this.#options.shuffleSize - (isWanting ? 1 : 0), env.rng)
    const end = start + (entries.length >> 1)
    if (isWanting) this.#addOwn(entries)
    env.send(from, this.#messageOf('shuffle-reply', message.round, entries))
    if (isWanting || ++this.#takenCount <= TAKEN_COUNT_MAX) this.#merge(from, message, start, end, env)
  }

  #takeReply(from: PeerId, message: SamplingMessage, env: SamplingEnv): void {
    const asked = this.#asked
    if (asked !== NOBODY && this.#askedRound === message.round && this.#views.book.peerAt(asked) === from) {
      this.#merge(from, message, 0, this.#views.settle(this.#row), env)
      // As seldom as that: whom it holds changes slowly, and has to be searched for each.
      if (this.#cycleCount % RESERVE_EVERY_CYCLES === 0) this.#reserveDescriptor(asked, env)
      // Not before: the book keeps whom it is.
      this.#asked = NOBODY
    } else if (this.#searchRounds?.get(message.round) === from) {
      this.#searchRounds.delete(message.round)
      this.#merge(from, message, 0, 0, env)
    }
  }

  /** Takes in what a peer gave: into empty slots, then in place of what was given for it, which stands in the view from `start` to `end`. */
  #merge(from: PeerId, message: SamplingMessage, start: number, end: number, env: SamplingEnv): void {
    const isNumbered = message instanceof NumberedMessage && message.book === this.#views.book
    const entries = this.#bounded(isNumbered ? message.entries : this.#admit(from, message, env))
    const taken = this.#views.merge(this.#row, entries, this.#ownNumber, start, end)
    if (this.#reserveCount < RESERVE_QUICK_COUNT) this.#reserveAll(entries, env)
    // Most often all that comes is news: then it is told of as it came.
    const areAllTaken = taken === (1 << (entries.length >> 1)) - 1
    if (taken !== 0) env.emit(this.#heard(from, areAllTaken ? entries : chosen(entries, taken)))
    if (this.#reserveCount <= RESERVE_FEW_COUNT) this.#storeReserve(env)
  }

  /**
   * The numbers of what came over a network, once it is checked. What others hold for this node's own is told of and not taken: it
   * may be newer than what this node remembers to have said.
   */
  #admit(from: PeerId, { descriptors, marks }: SamplingMessage, env: SamplingEnv): number[] {
    const entries: number[] = []
    this.#makeRoom(ENTRY_COUNT_MAX)
    for (const [index, offered] of descriptors.slice(0, this.#options.shuffleSize).entries()) {
      if (offered.peer === env.self) {
        if (offered.sequence > this.#own.sequence) env.emit({ type: 'heard', descriptors: [offered], from })
        continue
      }
      const checked = this.#checker.hasChecked(offered, env.wallMs)
        ? ({ ok: true, descriptor: offered } as const)
        : this.#checker.check(offered, env)
      if (!checked.ok) {
        env.emit({ type: 'refused', peer: from, reason: checked.fault })
        continue
      }
      const number = this.#views.book.numberOf(checked.descriptor)
      if (number !== NOBODY) entries.push(number, marks[2 * index + 1]!)
    }
    return entries
  }

  #bounded(entries: readonly number[]): readonly number[] {
    const wordCountMax = 2 * this.#options.shuffleSize
    return entries.length <= wordCountMax ? entries : entries.slice(0, wordCountMax)
  }

  /** A book of one node forgets whom that node does not hold. */
  #makeRoom(count: number): void {
    if (this.#views.book.room >= count || this.#isAmongMany) return
    this.#views.book.keepOnly(new Set([this.#ownNumber, this.#asked, ...this.#views.numbers(this.#row)]))
  }

  #heard(from: PeerId, entries: readonly number[]): SamplingEvent {
    return this.#isAmongMany
      ? new NumberedNews(from, entries, this.#views.book)
      : { type: 'heard', descriptors: describe(entries, this.#views.book), from }
  }

  #messageOf<Type extends SamplingMessage['type']>(
    type: Type,
    round: number,
    entries: readonly number[],
  ): SamplingMessage {
    const message = new NumberedMessage(type, round, entries, this.#views.book)
    return this.#isAmongMany ? (message as SamplingMessage) : (message.toJSON() as SamplingMessage)
  }

  #addOwn(entries: number[]): void {
    const at = entries.length
    entries[at] = this.#renewOwn()
    entries[at + 1] = 0
  }

  /** The number of this node's newest descriptor. */
  #renewOwn(): number {
    const own = this.#readOwn === undefined ? this.#own : this.#readOwn()
    if (own === this.#own) return this.#ownNumber
    this.#own = own
    return (this.#ownNumber = this.#views.book.numberOf(own))
  }

  /** A reserve that holds little takes in whoever is heard of. */
  #reserveAll(entries: readonly number[], env: SamplingEnv): void {
    const roomMax = Math.min(RESERVE_QUICK_COUNT, this.#options.reserveCountMax)
    for (let at = 0; at < entries.length && this.#reserveCount < roomMax; at += 2)
      if (!isSamePeer(entries[at]!, this.#ownNumber)) this.#reserveDescriptor(entries[at]!, env)
  }

  #reserveDescriptor(number: number, env: SamplingEnv): void {
    const descriptor = this.#views.book.at(number)
    this.#reserveKeep(descriptor, env, keyOf(descriptor))
  }

  /** Says whether anything worth storing changed. */
  #reserveKeep(contact: Contact, env: SamplingEnv, key?: number): boolean {
    const isChange = this.#reserve.keep(contact, key)
    if (isChange) this.#reserveChangedAtMs ??= Math.floor(env.nowMs)
    this.#reserveCount = this.#reserve.count
    return isChange
  }

  /** Asks seeds and reserve for a first view, unless that is under way. */
  #search(env: SamplingEnv): void {
    if (this.#searching) return
    this.#searching = true
    this.#continueSearch(env)
  }

  #continueSearch(env: SamplingEnv): void {
    const { searchMsMin, searchMsMax, searchContactCount } = this.#options
    if (this.#views.countOf(this.#row) > 0) {
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
    if (contact !== undefined && !this.#views.has(this.#row, this.#views.book.find(contact.peer)))
      this.#greet(contact, env)
  }

  #greet(contact: Contact, env: SamplingEnv): void {
    if (contact.peer === env.self) return
    this.#onAddress?.(contact.peer, contact.addresses)
    const round = ++this.#round
    this.#searchRounds ??= new Map()
    if (this.#searchRounds.size >= SEARCH_ROUND_COUNT_MAX)
      this.#searchRounds.delete(this.#searchRounds.keys().next().value!)
    this.#searchRounds.set(round, contact.peer)
    env.send(contact.peer, this.#messageOf('shuffle', round, [this.#renewOwn(), 0]))
  }

  /** While it holds a few only it is stored at once: a node that dies young has nobody else to come back to. */
  #storeReserve(env: SamplingEnv): void {
    if (this.#reserveChangedAtMs === undefined) return
    const { reserveStoreMs, reserveRestMs, reserveFewRestMs } = this.#options
    const isFew = this.#reserveCount <= RESERVE_FEW_COUNT
    const dueMs = isFew ? 0 : this.#reserveChangedAtMs + reserveStoreMs
    if (env.nowMs < Math.max(dueMs, this.#reserveStoredAtMs + (isFew ? reserveFewRestMs : reserveRestMs))) return
    this.#reserveChangedAtMs = undefined
    this.#reserveStoredAtMs = Math.floor(env.nowMs)
    env.emit({ type: 'reserve-changed' })
  }
}

/** A whole set of options is shared and not copied: a simulation has a million nodes with the same. */
function completed(options: Partial<SamplingOptions>): SamplingOptions {
  for (const name in SAMPLING_DEFAULTS) if (!(name in options)) return { ...SAMPLING_DEFAULTS, ...options }
  return options as SamplingOptions
}

/** The entries whose bits are set. */
function chosen(entries: readonly number[], bits: number): readonly number[] {
  return entries.filter((_, at) => (bits >> (at >> 1)) & 1)
}

/** What was heard, by its numbers in the book: mostly nobody listens. */
class NumberedNews {
  readonly type = 'heard'
  readonly from: PeerId
  readonly #entries: readonly number[]
  readonly #book: Book

  constructor(from: PeerId, entries: readonly number[], book: Book) {
    this.from = from
    this.#entries = entries
    this.#book = book
  }

  get descriptors(): readonly Descriptor[] {
    return describe(this.#entries, this.#book)
  }
}

const CYCLE = 'cycle'
const SEARCH = 'search'

const NOBODY_KNOWN: readonly Contact[] = []
/** Beside its view a node's own book has room for what two messages bring, for the peer that is being asked, and for itself. */
const BOOK_SPARE_COUNT = 2 * ENTRY_COUNT_MAX + 2
/** Long before any clock began. */
const NEVER_MS = -(2 ** 30)
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
  /** This node's descriptor; where it changes, what reads the newest. */
  readonly own: Descriptor | (() => Descriptor)
  readonly checker: DescriptorChecker
  /** Makes addresses known to the driver, before anything is sent to that peer. */
  readonly onAddress?: (peer: PeerId, addresses: readonly string[]) => void
  /** For nodes that run together in one process, and pass on messages as they are. Its view size is theirs. */
  readonly commons?: SamplingCommons
}

export interface SamplingStart {
  readonly seeds?: readonly Contact[]
  /** What `snapshot` gave in an earlier life. */
  readonly reserve?: unknown
}

/** A number is a round whose reply is overdue. */
export type SamplingTimer = typeof CYCLE | typeof SEARCH | number

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
