import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { sample, shuffle, type PeerId } from '../env/index.ts'
import { commonPrefix, prefixMatches, type PopularitySummary } from '../placement/index.ts'
import { Batch, holdingHash, placeOf } from './batch.ts'
import type { Cell } from './cell.ts'
import { Grouping } from './grouping.ts'
import {
  CLAIM_COUNT_MAX,
  CONTACT_AGE_MAX,
  HASH_COUNT_MAX,
  WANT_COUNT_MAX,
  EVERYONE,
  NOBODY,
  type CellName,
  type Claim,
  type SelectionMessage,
} from './messages.ts'
import type { SelectionOptions } from './options.ts'
import { givePages, pushPages, type PageSource } from './page.ts'
import { Relay } from './relay.ts'
import type { SelectionEnv } from './selection.ts'

type MessageOf<Type extends SelectionMessage['type']> = SelectionMessage & { readonly type: Type }

export interface CellGossipDependencies {
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  /** The cycle that it is, for ages. */
  readonly cycle: (env: SelectionEnv) => number
  /** The newest layout here. */
  readonly newest: () => { readonly epoch: number; readonly newest: number }
  /** Contacts that were asked for a word, one for each cell, and have said nothing since. */
  readonly awaited: Set<PeerId>
  /** What people ask for, where anything is known of that. */
  readonly asked: () => PopularitySummary | undefined
}

/**
 * How one node keeps up with one cell. It first seeks the cell that it belongs to, from contact to nearer contact. In it, news is
 * relayed at once to nearly everyone; now and then two members compare digests of what they hold and level the rest. These are the
 * direct mail and the anti-entropy of Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", 1987, in that division of
 * labour. What members know of other cells they tell each other on the same occasion, and now and then one asks such a contact itself.
 */
export class CellGossip {
  readonly name: CellName
  readonly grouping: Grouping
  readonly #dependencies: CellGossipDependencies
  readonly #options: SelectionOptions
  readonly #exchangeTimer
  readonly #pushTimer
  readonly #exchangeMs: number
  readonly #relay: Relay
  #isPushing = false
  /** The coarsest that the cell was since news is gathered. */
  #gatheredDepth = Number.POSITIVE_INFINITY
  /** News that the last exchange brought. */
  #gainedCount = 0
  /** To how many more this node will make itself known: whom it told may have been about to go, or not say so to others. */
  #helloCount = 0
  #isSeeking = true
  /** Whom this search for the cell has asked already, and how fine those found the cell who say to be in it. */
  #asked: PeerId[] = []
  #foundBy: ReadonlyMap<PeerId, number> = FOUND_BY_NOBODY
  #foundRoundCount = 0
  /** The contact that was asked for a word last. */
  #asking: Descriptor | undefined
  #exchangeCount = 0
  /** At which depth of the cell both halves are known: this node's, and the other from one of its own. */
  #knownDepth = NOT_KNOWN
  /** When this node, having found its cell, will have heard of everyone in it, whatever happens. */
  #readyAtMs = Number.POSITIVE_INFINITY

  constructor(name: CellName, grouping: Grouping, dependencies: CellGossipDependencies, options: SelectionOptions) {
    this.name = { layout: name.layout, grouping: name.grouping }
    this.grouping = grouping
    this.#dependencies = dependencies
    this.#options = options
    this.#relay = new Relay(grouping.cell, { countMax: options.pushCountMax })
    this.#exchangeTimer = { type: 'exchange' as const, ...this.name }
    this.#pushTimer = { type: 'push' as const, ...this.name }
    this.#exchangeMs = name.grouping === 0 ? options.exchangeMs : options.groupingExchangeMs
  }

  /** Whether this node has found where it belongs. */
  get isSettled(): boolean {
    return !this.#isSeeking
  }

  /** Whether what it says of the cell is whole: it has found the cell long ago, or held the same as another member. */
  isReady(nowMs: number): boolean {
    return nowMs >= this.#readyAtMs
  }

  start(env: SelectionEnv): void {
    env.wakeAfter(env.rng.below(this.#options.seekMs), this.#exchangeTimer)
  }

  /** News here, and for those of the cell who share `within` bits of their places with this node. */
  pass(descriptor: Descriptor, place: number, hash: number, within: number, env: SelectionEnv): void {
    if (within === NOBODY) return
    this.#relay.tell(descriptor, place, hash, within)
    this.#gatheredDepth = Math.min(this.#gatheredDepth, this.grouping.depth)
    this.#schedulePush(env)
  }

  passGone(claim: Claim, within: number, env: SelectionEnv): void {
    if (within === NOBODY) return
    this.#relay.tellGone(claim, within)
    this.#schedulePush(env)
  }

  /** Lets a peer compare, and see how new our layout is. */
  showTo(peer: PeerId, env: SelectionEnv): void {
    this.#sendSummary(peer, true, env)
  }

  exchange(env: SelectionEnv): void {
    if (this.#isSeeking) {
      env.wakeAfter(this.#options.seekMs, this.#exchangeTimer)
      if (this.#foundBy.size > 0 && ++this.#foundRoundCount > FOUND_ROUND_COUNT) return this.#settle(env)
      this.#asked = [...this.#foundBy.keys()]
      return this.#seek(env)
    }
    const isBehind = this.#gainedCount > this.grouping.cell.count * BEHIND_SHARE
    env.wakeAfter(isBehind ? this.#options.exchangeAgainMs : this.#exchangeMs, this.#exchangeTimer)
    this.#gainedCount = 0
    const partner = this.#pickOther(env)
    if (partner !== undefined) {
      this.#sendSummary(partner.peer, false, env)
      if (this.#helloCount > 0) this.#sayHello(partner.peer, env)
    }
    if (this.#exchangeCount++ % CONTACT_EVERY === 0) this.#askContact(env)
    if (this.grouping.grow(this.#dependencies.cycle(env))) this.#tookSiblingIn()
  }

  #tookSiblingIn(): void {
    this.#gainedCount = Number.POSITIVE_INFINITY
    this.#knownDepth = AWAITED
  }

  #sayHello(to: PeerId, env: SelectionEnv): void {
    this.#helloCount--
    this.#push(to, Batch.of(this.#dependencies.own()), [], EVERYONE, this.#ownPart, env)
  }

  sendFresh(env: SelectionEnv): void {
    this.#isPushing = false
    const turn = Math.floor(env.wallMs / this.#options.headTurnMs)
    // What was gathered before the cell split may lie outside of it now.
    const part = { key: this.grouping.ownKey, depth: Math.min(this.#gatheredDepth, this.grouping.depth) }
    this.#gatheredDepth = Number.POSITIVE_INFINITY
    for (const { hearer, batch, gone, within } of this.#relay.take(this.#dependencies.own(), turn))
      this.#push(hearer, batch, gone, within, part, env)
  }

  /** This node says something new of itself. Where that takes it to another cell, the one it was in hears that what it was is gone. */
  announce(descriptor: Descriptor, env: SelectionEnv): void {
    const { grouping } = this
    if (grouping.keyOf(descriptor) === grouping.ownKey)
      this.pass(descriptor, placeOf(keyOf(descriptor)), holdingHash(descriptor), EVERYONE, env)
    else this.#takeLeave(descriptor, env)
    if (grouping.putOwn(descriptor, this.#dependencies.cycle(env))) this.#seekAgain(env)
  }

  #takeLeave(descriptor: Descriptor, env: SelectionEnv): void {
    const { peer, sequence } = this.#dependencies.own()
    const before = { peer, sequence: sequence - 1 }
    for (const hearer of this.#pickSome(LEAVE_COUNT, env))
      this.#push(hearer, Batch.of(descriptor), [before], EVERYONE, ANYWHERE, env)
  }

  // Where one belongs.

  /** The key is another: the cell has to be found again. */
  #seekAgain(env: SelectionEnv): void {
    this.#isSeeking = true
    this.#readyAtMs = Number.POSITIVE_INFINITY
    this.#asked = []
    this.#foundBy = FOUND_BY_NOBODY
    this.#foundRoundCount = 0
    this.#seek(env)
  }

  #seek(env: SelectionEnv): void {
    if (this.#asked.length >= SEEK_COUNT_MAX) return
    const best = this.#nearestUnasked(env)
    if (best === undefined) return
    this.#asked.push(best.peer)
    env.send(best.peer, {
      type: 'seek',
      ...this.name,
      ...this.#dependencies.newest(),
      key: this.grouping.ownKey,
      own: this.#dependencies.own(),
    })
  }

  #nearestUnasked(env: SelectionEnv): Descriptor | undefined {
    const { grouping } = this
    let best: Descriptor | undefined
    let bestBits = -1
    const look = (descriptor: Descriptor): void => {
      const bits = commonPrefix(grouping.keyOf(descriptor), grouping.ownKey)
      if (bits <= bestBits || descriptor.peer === env.self || this.#asked.includes(descriptor.peer)) return
      best = descriptor
      bestBits = bits
    }
    for (const descriptor of grouping.cell.descriptors()) look(descriptor)
    if (best === undefined) for (const descriptor of grouping.contacts.descriptors()) look(descriptor)
    return best
  }

  onSeek(from: PeerId, message: MessageOf<'seek'>, env: SelectionEnv): void {
    const { grouping } = this
    if (!grouping.encloses(message.key)) return this.#giveNearer(from, message.key, env)
    env.send(from, { type: 'found', ...this.name, depth: grouping.depth })
    this.#giveContacts(from, env)
  }

  onFound(from: PeerId, message: MessageOf<'found'>, env: SelectionEnv): void {
    if (!this.#isSeeking || !this.#asked.includes(from)) return
    this.#foundBy = new Map([...this.#foundBy, [from, message.depth]])
    if (message.depth === 0 || this.#foundBy.size >= FOUND_COUNT) this.#settle(env)
    else this.#seek(env)
  }

  /**
   * Believes the coarsest of what several said of the cell. Who makes it out to be finer would be alone with this node in it; what is too
   * coarse splits by itself.
   */
  #settle(env: SelectionEnv): void {
    const members = [...this.#foundBy.keys()]
    const depth = Math.min(...this.#foundBy.values())
    this.#isSeeking = false
    this.#asked = []
    this.#foundBy = FOUND_BY_NOBODY
    this.#foundRoundCount = 0
    this.#readyAtMs = env.nowMs + this.#options.readyMs
    this.grouping.deepen(depth, this.#dependencies.cycle(env))
    this.#gainedCount = Number.POSITIVE_INFINITY
    this.#helloCount = HELLO_COUNT
    this.#sayHello(members[0]!, env)
    this.#sendSummary(members[0]!, false, env)
  }

  /** An exchange brought so much news, or somebody nearer was heard of while we seek. */
  onGiven(newsCount: number, env: SelectionEnv): void {
    this.#gainedCount += newsCount
    if (this.#isSeeking) this.#seek(env)
  }

  #giveNearer(from: PeerId, key: number, env: SelectionEnv): void {
    const nearer = this.grouping.nearer(key, NEARER_COUNT, env.rng).filter(({ peer }) => peer !== from)
    this.#give(from, Batch.of(this.#dependencies.own(), ...nearer), [], ANYWHERE, env)
  }

  // Levelling what two members hold.

  #sendSummary(to: PeerId, withOwn: boolean, env: SelectionEnv, isWhole = false): void {
    const { ownKey, depth, cell } = this.grouping
    const asked = this.name.grouping === 0 && depth > 0 ? this.#dependencies.asked() : undefined
    env.send(to, {
      type: 'summary',
      ...this.name,
      ...this.#dependencies.newest(),
      key: ownKey,
      depth,
      digests: cell.summary(),
      ...(withOwn && { own: this.#dependencies.own() }),
      ...(asked !== undefined && { asked }),
      ...(isWhole && { isWhole }),
    })
  }

  onSummary(from: PeerId, message: MessageOf<'summary'>, env: SelectionEnv): void {
    const { grouping } = this
    const { key, depth, isWhole } = message
    const cycle = this.#dependencies.cycle(env)
    if (isWhole && depth < grouping.depth) {
      if (this.#isSeeking || !prefixMatches(grouping.ownKey, key, depth) || !grouping.join(from, cycle)) return
      this.#tookSiblingIn()
    }
    const knowsBoth = this.#knownDepth === grouping.depth
    if (grouping.encloses(key) && this.#knownDepth !== AWAITED && grouping.follow(depth, cycle, knowsBoth))
      this.#sendSummary(from, true, env, true)
    if (grouping.encloses(key) && depth >= grouping.depth) {
      const part = this.#part(key, depth)
      const buckets = shuffle(part.differing(message.digests), env.rng)
      if (buckets.length === 0 && depth === grouping.depth && !this.#isSeeking)
        this.#readyAtMs = Math.min(this.#readyAtMs, env.nowMs)
      const isOtherHalf = commonPrefix(key, grouping.ownKey) === grouping.depth
      if (isOtherHalf && depth <= grouping.depth + 1 && buckets.length <= NEARLY_LEVEL_COUNT)
        this.#knownDepth = grouping.depth
      if (buckets.length > 0) this.#sendHoldings(from, key, depth, part, buckets, env)
      this.#giveContacts(from, env)
    } else if (depth < grouping.depth && prefixMatches(grouping.ownKey, key, depth)) this.#sendSummary(from, true, env)
    else this.#giveNearer(from, key, env)
  }

  #sendHoldings(
    to: PeerId,
    key: number,
    depth: number,
    part: Cell,
    buckets: readonly number[],
    env: SelectionEnv,
  ): void {
    const taken: number[] = []
    const hashes: number[] = []
    for (const bucket of buckets) {
      const more = part.hashesIn([bucket])
      if (taken.length > 0 && hashes.length + more.length > HASH_COUNT_MAX) break
      taken.push(bucket)
      hashes.push(...more.slice(0, HASH_COUNT_MAX))
    }
    env.send(to, { type: 'holdings', ...this.name, key, depth, buckets: taken, hashes })
  }

  /** What the other holds of the part of the cell around `key`. */
  onHoldings(from: PeerId, message: MessageOf<'holdings'>, gone: ReadonlyMap<number, Claim>, env: SelectionEnv): void {
    const { key, depth, buckets, hashes } = message
    if (!this.grouping.encloses(key) || depth < this.grouping.depth) return
    const { ours, theirs } = this.#part(key, depth).compare(buckets, hashes)
    const claims = theirs.flatMap((hash) => gone.get(hash) ?? [])
    this.#give(from, ours.sample(WANT_COUNT_MAX, env.rng), claims.slice(0, CLAIM_COUNT_MAX), { key, depth }, env)
    const wanted = theirs.filter((hash) => !gone.has(hash))
    if (wanted.length > 0)
      env.send(from, { type: 'want', ...this.name, hashes: sample(wanted, WANT_COUNT_MAX, env.rng) })
  }

  onWant(from: PeerId, message: MessageOf<'want'>, env: SelectionEnv): void {
    this.#give(from, this.grouping.cell.withHashes(message.hashes), [], this.#ownPart, env)
  }

  /** Ours as somebody sees it whose cell is finer. */
  #part(key: number, depth: number): Cell {
    const { grouping } = this
    if (depth <= grouping.depth) return grouping.cell
    return grouping.cell.part((descriptor) => prefixMatches(grouping.keyOf(descriptor), key, depth))
  }

  // What is known of other cells.

  #giveContacts(to: PeerId, env: SelectionEnv): void {
    if (this.grouping.contacts.levelCount === 0) return
    const cycle = this.#dependencies.cycle(env)
    const { contactCount, contactAgeMax } = this.#options
    const { descriptors, heardAt } = this.grouping.contacts.pickFresh(contactCount, cycle - contactAgeMax, env.rng)
    const ages = heardAt.map((at) => Math.min(Math.max(cycle - at, 0), CONTACT_AGE_MAX))
    if (descriptors.length > 0) env.send(to, { type: 'contacts', ...this.name, descriptors, ages })
  }

  /** Asks a contact for a word. One that has given none by the next time is not one. */
  #askContact(env: SelectionEnv): void {
    const { awaited } = this.#dependencies
    if (this.#asking !== undefined && awaited.delete(this.#asking.peer)) {
      this.grouping.remove(this.#asking)
      env.emit({ type: 'silent', peer: this.#asking.peer })
    }
    this.#asking = this.grouping.contacts.pick(env.rng)
    if (this.#asking === undefined) return
    awaited.add(this.#asking.peer)
    this.#sendSummary(this.#asking.peer, true, env)
  }

  // Partners.

  #schedulePush(env: SelectionEnv): void {
    if (this.#isPushing) return
    this.#isPushing = true
    env.wakeAfter(this.grouping.depth === 0 ? this.#options.pushMs : this.#options.groupingPushMs, this.#pushTimer)
  }

  #pickOther(env: SelectionEnv): Descriptor | undefined {
    for (let tries = 0; tries < PICK_TRIES; tries++) {
      const picked = this.grouping.cell.pick(env.rng)
      if (picked !== undefined && picked.peer !== env.self) return picked
    }
    return undefined
  }

  /** Different others of the cell, by chance: a few draws where it is large. */
  #pickSome(count: number, env: SelectionEnv): PeerId[] {
    const { cell } = this.grouping
    const key = keyOf(this.#dependencies.own())
    if (cell.count <= 4 * count) {
      const others = cell.descriptors().flatMap(({ peer }) => (peer === env.self ? [] : [peer]))
      return sample(others, count, env.rng)
    }
    const picked = new Set<PeerId>()
    while (picked.size < count) {
      const descriptor = cell.pick(env.rng)!
      if (keyOf(descriptor) !== key) picked.add(descriptor.peer)
    }
    return [...picked]
  }

  #give(to: PeerId, batch: Batch, gone: readonly Claim[], part: CellPart, env: SelectionEnv): void {
    for (const page of givePages(this.#source(part), batch, gone)) env.send(to, page)
  }

  #push(to: PeerId, batch: Batch, gone: readonly Claim[], within: number, part: CellPart, env: SelectionEnv): void {
    for (const page of pushPages(this.#source(part), batch, gone, within)) env.send(to, page)
  }

  get #ownPart(): CellPart {
    const { ownKey: key, depth } = this.grouping
    return { key, depth }
  }

  #source({ key, depth }: CellPart): PageSource {
    return { ...this.name, checkedBy: this.#dependencies.checker, key, depth }
  }
}

/** Of a cell, the part whose keys share so many bits with this one. */
interface CellPart {
  readonly key: number
  readonly depth: number
}

/** Where some may be of other cells. */
const ANYWHERE: CellPart = { key: 0, depth: 0 }

const FOUND_BY_NOBODY: ReadonlyMap<PeerId, number> = new Map()
/** Nodes asked in one search for the cell. */
const SEEK_COUNT_MAX = 16
/** Members that a node wants to hear of its cell, and for how many more searches it waits once it has heard one. */
const FOUND_COUNT = 5
const FOUND_ROUND_COUNT = 2
/** Nodes told to somebody who is elsewhere. */
const NEARER_COUNT = 7
/** Every so many exchanges a contact is asked too. */
const CONTACT_EVERY = 2
/** A cell of two is drawn from this often before one gives up on meeting the other. */
const PICK_TRIES = 16
/** Who learned of more than this share of its cell in one exchange has a good deal to catch up on. */
const BEHIND_SHARE = 1 / 8
/** To how many a node makes itself known when it has found its cell, and whom it tells when it leaves one. */
const HELLO_COUNT = 3
const NOT_KNOWN = -1
/** The other half has just been taken in: until it is known nothing can be said of whether it should have been. */
const AWAITED = -2
/** Buckets in which what is held of the other half may differ from what its members hold, as it does where nodes come and go. */
const NEARLY_LEVEL_COUNT = 8
const LEAVE_COUNT = 2
