import { keyOf, peerKey, timeFault, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import type { Env, PeerId, Protocol, Surroundings } from '../env/index.ts'
import { groupingKeys, layoutId, type Layout, type LayoutChecker } from '../placement/index.ts'
import { RateLimit } from '../sampling/index.ts'
import { holdingHash, keyAt, placeOf } from './batch.ts'
import { CellGossip } from './cell-gossip.ts'
import { Gone } from './gone.ts'
import { Grouping } from './grouping.ts'
import { LayoutKeeper, type Table } from './layout-keeper.ts'
import {
  HOP_COUNT_MAX,
  EVERYONE,
  NOBODY,
  type Audience,
  type CellName,
  type Claim,
  type SelectionMessage,
} from './messages.ts'
import { GivePage } from './page.ts'
import { SELECTION_DEFAULTS, type SelectionOptions } from './options.ts'

export interface SelectionDependencies {
  /** This node's newest descriptor. */
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  /** Whether membership has nothing against this word of the node. */
  readonly mayLive: (descriptor: Descriptor) => boolean
  readonly layouts: LayoutChecker
}

export type SelectionTimer = (CellName & { readonly type: 'exchange' | 'push' }) | { readonly type: 'cycle' }

export type SelectionEvent =
  /** A checked descriptor that is news in the home cell, or whatever someone holds for our own. */
  | { readonly type: 'heard'; readonly descriptor: Descriptor; readonly from: PeerId }
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }
  /** A contact gave no sign of life; somebody doubts that a node of the home cell lives. */
  | { readonly type: 'silent'; readonly peer: PeerId }
  | { readonly type: 'doubted'; readonly peer: PeerId }
  /** Others believe that this node is gone, as of this word of it. */
  | { readonly type: 'buried'; readonly sequence: number }
  /** The home cell is another: some who were in it are others' to watch, or some who were not are this node's. */
  | { readonly type: 'rehomed' }
  /** Queries go by another layout from now on. */
  | { readonly type: 'layout'; readonly layout: Layout }

export type SelectionEnv = Env<SelectionMessage, SelectionTimer, SelectionEvent>

/**
 * Selection keeps the tables by which nodes are found by what they are. Every node has a home cell, of nodes whose names are near its
 * own; in a grid of some hundreds that is everyone, and a query is answered on the spot. A larger one is also cut by attributes, in
 * several groupings, as a layout says; a node is in one cell of each, and keeps the descriptors of everyone there.
 *
 * Layouts follow what machines there are and what people ask for: any node that sees the borders drift from a sample of the grid
 * proposes another, under the next epoch; of two with the same epoch all come to take the same one. While a new one fills, the one
 * before answers.
 */
export class Selection implements Protocol<SelectionMessage, SelectionTimer, SelectionEvent> {
  readonly #own: () => Descriptor
  readonly #checker: DescriptorChecker
  readonly #mayLive: (descriptor: Descriptor) => boolean
  readonly #options: SelectionOptions
  readonly #gone = new Gone()
  readonly #awaited = new Set<PeerId>()
  readonly #home: CellGossip
  /** Of every cell that this node is in, home first. */
  #cells: CellGossip[]
  /** Asking costs us more than the asker. */
  readonly #rateLimit: RateLimit
  readonly #layouts: LayoutKeeper

  constructor(dependencies: SelectionDependencies, options: Partial<SelectionOptions> = {}) {
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#mayLive = dependencies.mayLive
    this.#options = { ...SELECTION_DEFAULTS, ...options }
    this.#layouts = new LayoutKeeper(dependencies.layouts, this.#options)
    this.#home = this.#createCell({ layout: 0, grouping: 0 }, keyOf)
    this.#cells = [this.#home]
    this.#rateLimit = new RateLimit({ intervalMs: this.#options.exchangeAgainMs / 2, burstCount: 16 })
  }

  // What others of this node ask.

  /** Everyone in the home cell, this node included. */
  members(): readonly Descriptor[] {
    return this.#home.grouping.cell.descriptors()
  }

  get home(): CellGossip {
    return this.#home
  }

  /** The table that queries go by; undefined where there is none, and only home cells to ask. */
  queryTable(surroundings: Surroundings): Table | undefined {
    return this.#layouts.tableForQueries(surroundings)
  }

  cellNamed({ layout, grouping }: CellName): CellGossip | undefined {
    return this.#cells.find(({ name }) => name.layout === layout && name.grouping === grouping)
  }

  get newestLayout(): Layout | undefined {
    return this.#layouts.newest?.layout
  }

  tableNamed(id: number): Table | undefined {
    return this.#layouts.tables.find((table) => table.id === id)
  }

  get isOneCell(): boolean {
    return this.#home.grouping.depth === 0
  }

  /** Whether a node belongs to the home cell, as far as this one sees. */
  isHome(peer: PeerId): boolean {
    return this.#home.grouping.encloses(peerKey(peer))
  }

  get(peer: PeerId): Descriptor | undefined {
    for (const { grouping } of this.#cells) {
      const descriptor = grouping.cell.get(peer)
      if (descriptor !== undefined) return descriptor
    }
    return undefined
  }

  /** All that this node holds of others, each once and in no order. */
  *held(): Generator<Descriptor> {
    const seen = new Set<PeerId>()
    for (const { grouping } of this.#cells)
      for (const known of [grouping.cell.descriptors(), grouping.contacts.descriptors()])
        for (const descriptor of known) {
          if (seen.has(descriptor.peer)) continue
          seen.add(descriptor.peer)
          yield descriptor
        }
  }

  /** Entries of all tables, one descriptor counted as often as it stands. */
  get entryCount(): number {
    return this.#cells.reduce((sum, { grouping }) => sum + grouping.cell.count + grouping.contacts.count, 0)
  }

  /** Random nodes of the whole grid, met lately. */
  sampled(): readonly Descriptor[] {
    return this.#layouts.sampled()
  }

  estimatedNodeCount(): number {
    return this.#home.grouping.estimatedCount()
  }

  // What it is told.

  /** Takes in a checked descriptor that came another way, and tells nobody. */
  learn(descriptor: Descriptor, env: SelectionEnv): void {
    if (!this.#isWelcome(descriptor, keyOf(descriptor))) return
    const cycle = this.#cycle(env)
    this.#putHome(descriptor, cycle, env)
    for (const { layout, cells } of this.#layouts.tables) {
      const keys = groupingKeys(layout, descriptor)
      for (const [index, { grouping }] of cells.entries()) grouping.put(descriptor, keys[index]!, cycle)
    }
  }

  /** The same of one that membership watches: in the home cell, that is. The others are told of it by their own members. */
  learnHome(descriptor: Descriptor, env: SelectionEnv): void {
    if (!this.#gone.has(descriptor)) this.#putHome(descriptor, this.#cycle(env), env)
  }

  /** A descriptor that came by chance, as all are equally likely to: what layouts are learned from. */
  observe(descriptor: Descriptor): void {
    this.#layouts.observe(descriptor)
  }

  /** Somebody asked for nodes by these attributes (lower case). */
  notePopular(attributes: readonly string[]): void {
    this.#layouts.notePopular(attributes)
  }

  /** This node says something new of itself. Cells that it does not belong to any more hear that what it was is gone. */
  announce(descriptor: Descriptor, env: SelectionEnv): void {
    for (const cell of this.#cells) {
      const { grouping } = cell
      if (grouping.keyOf(descriptor) === grouping.ownKey)
        cell.pass(descriptor, placeOf(keyOf(descriptor)), holdingHash(descriptor), EVERYONE, env)
      else cell.takeLeave(descriptor, env)
      if (grouping.putOwn(descriptor, this.#cycle(env))) cell.seekAgain(env)
    }
  }

  /**
   * Membership found a node of the home cell gone: it is offered no more. Its nearest neighbours in the home cell tell the other cells that
   * it was in, each by itself, so that one message lost does not matter.
   */
  bury(descriptor: Descriptor, env: SelectionEnv): void {
    const { peer, sequence } = descriptor
    const claim = { peer, sequence }
    const isTeller = this.#home.grouping.cell.distance(peer, env.self) <= TELLER_DISTANCE
    this.#gone.add(claim)
    for (const cell of this.#cells) {
      const isMember = cell.grouping.cell.get(peer) !== undefined
      cell.grouping.remove(descriptor)
      if (cell === this.#home || !isTeller) continue
      if (isMember) cell.passGone(claim, EVERYONE, env)
      else this.#forward(cell, 'gone', cell.grouping.keyOf(descriptor), claim, HOP_COUNT_MAX, env)
    }
  }

  /** Asks the home cell of this node whether it lives. */
  doubt(peer: PeerId, env: SelectionEnv): void {
    this.#forward(this.#home, 'doubt', peerKey(peer), { peer, sequence: 0 }, HOP_COUNT_MAX, env)
  }

  /** Tells all cells of a node of the home cell that is gone once more: somebody has not heard of it. */
  tellGone(descriptor: Descriptor, env: SelectionEnv): void {
    const { peer, sequence } = descriptor
    for (const cell of this.#cells)
      if (cell !== this.#home)
        this.#forward(cell, 'gone', cell.grouping.keyOf(descriptor), { peer, sequence }, HOP_COUNT_MAX, env)
  }

  // The protocol.

  start(env: SelectionEnv): void {
    this.#home.start(env)
    env.wakeAfter(env.rng.below(this.#options.cycleMs), { type: 'cycle' })
  }

  wake(timer: SelectionTimer, env: SelectionEnv): void {
    if (timer.type === 'cycle') return this.#runCycle(env)
    const cell = this.cellNamed(timer)
    const homeDepth = this.#home.grouping.depth
    if (timer.type === 'push') cell?.sendFresh(env)
    else cell?.exchange(env)
    if (this.#home.grouping.depth !== homeDepth) env.emit({ type: 'rehomed' })
  }

  receive(from: PeerId, message: SelectionMessage, env: SelectionEnv): void {
    if (this.#awaited.size > 0) this.#awaited.delete(from)
    switch (message.type) {
      case 'push':
      case 'give':
        return this.#takeNews(message, from, env)
      case 'contacts':
        return this.#takeContacts(message, from, env)
      case 'layout':
        return this.#takeLayout(message.layout, from, env)
      case 'found':
        return this.#onFound(from, message, env)
      default:
    }
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    if (message.type === 'forward') return this.#onForward(message, env)
    if (message.type === 'seek' || message.type === 'summary') {
      this.#takeOwn(message, from, env)
      if (message.type === 'summary' && message.asked !== undefined) this.#layouts.learnPopular(message.asked)
      this.#compareLayouts(from, message, env)
    }
    const cell = this.cellNamed(message)
    if (cell === undefined) return
    if (message.type === 'seek') cell.onSeek(from, message, env)
    else if (message.type === 'summary') cell.onSummary(from, message, env)
    else if (message.type === 'holdings') cell.onHoldings(from, message, this.#gone.claimsByHash(), env)
    else cell.onWant(from, message, env)
  }

  #runCycle(env: SelectionEnv): void {
    env.wakeAfter(this.#options.cycleMs, { type: 'cycle' })
    this.#dropExpired(env)
    this.#considerLayout(env)
    if (this.#layouts.retire(env.nowMs)) {
      this.#listCells()
      this.#awaited.clear()
    }
  }

  #onFound(from: PeerId, message: SelectionMessage & { readonly type: 'found' }, env: SelectionEnv): void {
    const homeDepth = this.#home.grouping.depth
    this.cellNamed(message)?.onFound(from, message, env)
    if (this.#home.grouping.depth !== homeDepth) env.emit({ type: 'rehomed' })
  }

  // Descriptors.

  #putHome(descriptor: Descriptor, heardAt: number, env: SelectionEnv): void {
    const { grouping } = this.#home
    const { depth } = grouping
    grouping.put(descriptor, keyOf(descriptor), heardAt)
    if (grouping.depth !== depth) env.emit({ type: 'rehomed' })
  }

  /** What stands verified for it; undefined where it is refused, or of this node itself. */
  #checked(descriptor: Descriptor, from: PeerId, env: SelectionEnv): Descriptor | undefined {
    // Keys first: of most descriptors the name need not be fetched from memory.
    if (keyOf(descriptor) === this.#home.grouping.ownKey && descriptor.peer === env.self) {
      env.emit({ type: 'heard', descriptor, from })
      return undefined
    }
    if (this.#checker.hasChecked(descriptor, env.wallMs)) return descriptor
    const checked = this.#checker.check(descriptor, env)
    if (checked.ok) return checked.descriptor
    env.emit({ type: 'refused', peer: from, reason: checked.fault })
    return undefined
  }

  /** Nobody has said that its node is gone since; of nodes elsewhere membership knows nothing. */
  #isWelcome(descriptor: Descriptor, key: number): boolean {
    if (this.#gone.has(descriptor, key)) return false
    return !this.#home.grouping.encloses(key) || this.#mayLive(descriptor)
  }

  /** What is told in a cell concerns that cell: in the others that a node is in it is told by their own members. */
  #takeNews(message: SelectionMessage & { readonly type: 'push' | 'give' }, from: PeerId, env: SelectionEnv): void {
    const cell = this.cellNamed(message)
    if (cell === undefined) return
    const { descriptors, gone } = message
    const audience = message.type === 'push' ? message : NOBODY
    const { ownKey, depth } = cell.grouping
    const marks = GivePage.marksOf(message, this.#checker, { key: ownKey, depth })
    let newsCount = 0
    for (let index = 0; index < descriptors.length; index++) {
      const isNews =
        // As long as the cell has not split under way.
        marks === undefined || cell.grouping.depth > depth
          ? this.#take(descriptors[index]!, cell, { from, audience }, env)
          : this.#takeMember(
              descriptors[index]!,
              marks[2 * index]!,
              marks[2 * index + 1]!,
              cell,
              { from, audience },
              env,
            )
      if (isNews) newsCount++
    }
    for (const claim of gone) this.#takeGone(claim, cell, audience, env)
    if (message.type === 'give') {
      cell.noteGain(newsCount)
      cell.seekOn(env)
    }
  }

  /** Says whether it is news in the cell. */
  #take(descriptor: Descriptor, cell: CellGossip, how: Hearing, env: SelectionEnv): boolean {
    const known = this.#checked(descriptor, how.from, env)
    if (known === undefined) return false
    const key = cell.grouping.keyOf(known)
    const place = placeOf(keyOf(known))
    if (cell.grouping.encloses(key)) return this.#takeMember(known, place, holdingHash(known), cell, how, env)
    if (this.#isWelcome(known, keyOf(known))) cell.grouping.put(known, key, how.heardAt ?? this.#cycle(env))
    return false
  }

  /** The same of one that is checked, of the cell, and whose marks are known: unless it is news it is not even looked at. */
  #takeMember(
    descriptor: Descriptor,
    place: number,
    hash: number,
    cell: CellGossip,
    { from, audience, heardAt }: Hearing,
    env: SelectionEnv,
  ): boolean {
    const { grouping } = cell
    if (grouping.cell.hasHeard(descriptor, place) || !this.#isWelcome(descriptor, keyAt(place))) return false
    if (keyAt(place) === this.#home.grouping.ownKey && descriptor.peer === env.self) {
      env.emit({ type: 'heard', descriptor, from })
      return false
    }
    const homeDepth = this.#home.grouping.depth
    grouping.putMember(descriptor, place, hash, heardAt ?? this.#cycle(env))
    if (this.#home.grouping.depth !== homeDepth) env.emit({ type: 'rehomed' })
    cell.pass(descriptor, place, hash, audience, env)
    if (this.#home.grouping.encloses(keyAt(place))) env.emit({ type: 'heard', descriptor, from })
    return true
  }

  #takeOwn(message: SelectionMessage & { readonly type: 'seek' | 'summary' }, from: PeerId, env: SelectionEnv): void {
    const cell = this.cellNamed(message)
    if (cell !== undefined && message.own !== undefined) this.#take(message.own, cell, { from, audience: NOBODY }, env)
  }

  #takeContacts(message: SelectionMessage & { readonly type: 'contacts' }, from: PeerId, env: SelectionEnv): void {
    const cell = this.cellNamed(message)
    if (cell === undefined) return
    const cycle = this.#cycle(env)
    for (const [index, descriptor] of message.descriptors.entries())
      this.#take(descriptor, cell, { from, heardAt: cycle - (message.ages[index] ?? 0) - 1, audience: NOBODY }, env)
  }

  #takeGone(claim: Claim, cell: CellGossip, audience: Audience, env: SelectionEnv): void {
    const { peer, sequence } = claim
    if (peer === env.self) {
      if (sequence === this.#own().sequence) env.emit({ type: 'buried', sequence })
      return
    }
    const known = cell.grouping.cell.get(peer)
    if (known === undefined || known.sequence > sequence) return
    if (this.isHome(peer)) return env.emit({ type: 'doubted', peer })
    this.#gone.add(claim)
    cell.grouping.remove(known)
    cell.passGone(claim, audience, env)
  }

  /** One cell in each cycle, in turn: an expiry is hours away, and looking at everyone is dear. */
  #dropExpired(env: SelectionEnv): void {
    const { grouping } = this.#cells[this.#cycle(env) % this.#cells.length]!
    for (const descriptor of grouping.cell.descriptors().slice())
      if (descriptor.peer !== env.self && timeFault(descriptor, env.wallMs) === 'expired') grouping.remove(descriptor)
  }

  // From contact to contact.

  #forward(
    cell: CellGossip,
    what: 'gone' | 'doubt',
    key: number,
    claim: Claim,
    hopsLeft: number,
    env: SelectionEnv,
  ): void {
    if (hopsLeft === 0 || cell.grouping.encloses(key)) return
    const [contact] = cell.grouping.nearer(key, 1, env.rng)
    if (contact !== undefined)
      env.send(contact.peer, { type: 'forward', ...cell.name, what, key, claim, hopsLeft: hopsLeft - 1 })
  }

  #onForward(message: SelectionMessage & { readonly type: 'forward' }, env: SelectionEnv): void {
    const { what, key, claim, hopsLeft } = message
    const cell = this.cellNamed(message)
    if (cell === undefined) return
    if (!cell.grouping.encloses(key)) this.#forward(cell, what, key, claim, hopsLeft, env)
    else if (what === 'gone') this.#takeGone(claim, cell, EVERYONE, env)
    else if (claim.peer !== env.self) env.emit({ type: 'doubted', peer: claim.peer })
  }

  // Layouts.

  /** A grid of one cell needs none. */
  #considerLayout(env: SelectionEnv): void {
    if (this.isOneCell || !this.#home.isSettled) return
    const layout = this.#layouts.propose(this.estimatedNodeCount(), env)
    if (layout !== undefined) this.#adopt(layout, env)
  }

  /** Whoever goes by an older layout, or by another of the same epoch, hears of ours; what is older of the two it leaves. */
  #compareLayouts(peer: PeerId, theirs: { readonly epoch: number; readonly newest: number }, env: SelectionEnv): void {
    const { newest, epoch } = this.#layouts
    if (theirs.newest === (newest?.id ?? 0)) return
    if (newest !== undefined && theirs.epoch <= epoch) env.send(peer, { type: 'layout', layout: newest.layout })
    else if (theirs.epoch > epoch) this.#home.showTo(peer, env)
  }

  #takeLayout(layout: Layout, from: PeerId, env: SelectionEnv): void {
    const verdict = this.#layouts.judge(layout, env)
    if (verdict.type === 'take') this.#adopt(verdict.layout, env)
    else if (verdict.type === 'refuse') env.emit({ type: 'refused', peer: from, reason: verdict.reason })
  }

  #adopt(layout: Layout, env: SelectionEnv): void {
    const id = layoutId(layout)
    const cells = layout.groupings.map((_attributes, index) =>
      this.#createCell({ layout: id, grouping: index + 1 }, (descriptor) => groupingKeys(layout, descriptor)[index]!),
    )
    const cycle = this.#cycle(env)
    for (const descriptor of this.held())
      for (const { grouping } of cells) grouping.put(descriptor, grouping.keyOf(descriptor), cycle - 1)
    this.#layouts.adopt(layout, cells, env.nowMs)
    this.#listCells()
    for (const cell of cells) cell.start(env)
    env.emit({ type: 'layout', layout })
    this.#tellLayout(layout, env)
  }

  #tellLayout(layout: Layout, env: SelectionEnv): void {
    const { cell, contacts } = this.#home.grouping
    const hearers = new Set<PeerId>()
    for (let tries = 0; tries < LAYOUT_FANOUT; tries++)
      for (const hearer of [cell.pick(env.rng), contacts.pick(env.rng)])
        if (hearer !== undefined) hearers.add(hearer.peer)
    hearers.delete(env.self)
    for (const hearer of hearers) env.send(hearer, { type: 'layout', layout })
  }

  #listCells(): void {
    this.#cells = [this.#home, ...this.#layouts.tables.flatMap(({ cells }) => cells)]
  }

  // Small things.

  #createCell(name: CellName, keyOfDescriptor: (descriptor: Descriptor) => number): CellGossip {
    const { cellCountMax, cellCountMin, groupingCellShare } = this.#options
    const share = name.grouping === 0 ? 1 : groupingCellShare
    const grouping = new Grouping(this.#own(), keyOfDescriptor, {
      cellCountMax: cellCountMax * share,
      cellCountMin: cellCountMin * share,
      growRestCycles: GROW_REST_CYCLES,
    })
    return new CellGossip(
      name,
      grouping,
      {
        own: this.#own,
        checker: this.#checker,
        cycle: (env) => this.#cycle(env),
        newest: () => ({ epoch: this.#layouts.epoch, newest: this.#layouts.newest?.id ?? 0 }),
        awaited: this.#awaited,
        asked: () => this.#layouts.asked(),
      },
      this.#options,
    )
  }

  #cycle(env: SelectionEnv): number {
    return Math.floor(env.nowMs / this.#options.cycleMs)
  }
}

/** From whom a descriptor was heard, who else is to hear of it, and when its node was last known to live: now, where that is not said. */
interface Hearing {
  readonly from: PeerId
  readonly audience: Audience
  readonly heardAt?: number
}

/** Home neighbours on each side of a dead node that tell its other cells. */
const TELLER_DISTANCE = 2
/** Tries to draw a hearer for a new layout from the home cell, and from the contacts. */
const LAYOUT_FANOUT = 3
/** Cycles before a cell grows again that had to split after it grew. */
const GROW_REST_CYCLES = 16
