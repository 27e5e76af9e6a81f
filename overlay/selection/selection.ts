import { keyOf, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import type { Env, PeerId, Protocol, Surroundings } from '../env/index.ts'
import { groupingKeys, layoutId, type Layout, type LayoutChecker } from '../placement/index.ts'
import { RateLimit } from '../sampling/index.ts'
import { CellGossip } from './cell-gossip.ts'
import { Cells } from './cells.ts'
import { Gone } from './gone.ts'
import { Grouping } from './grouping.ts'
import { Intake } from './intake.ts'
import { LayoutKeeper, type Table } from './layout-keeper.ts'
import { NOBODY, type CellName, type SelectionMessage } from './messages.ts'
import { Obituaries } from './obituaries.ts'
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
  readonly #dependencies: SelectionDependencies
  readonly #options: SelectionOptions
  readonly #gone = new Gone()
  readonly #awaited = new Set<PeerId>()
  readonly #cells: Cells
  readonly #intake: Intake
  readonly #obituaries: Obituaries
  readonly #layouts: LayoutKeeper
  /** Asking costs us more than the asker. */
  readonly #rateLimit: RateLimit

  constructor(dependencies: SelectionDependencies, options: Partial<SelectionOptions> = {}) {
    const { own, checker, mayLive, layouts } = dependencies
    this.#dependencies = dependencies
    this.#options = { ...SELECTION_DEFAULTS, ...options }
    this.#layouts = new LayoutKeeper(layouts, this.#options)
    this.#cells = new Cells(this.#createCell({ layout: 0, grouping: 0 }, keyOf))
    const cycle = (env: SelectionEnv): number => this.#cycle(env)
    this.#intake = new Intake({ cells: this.#cells, gone: this.#gone, checker, mayLive, cycle })
    this.#obituaries = new Obituaries(this.#cells, this.#gone, own)
    this.#rateLimit = new RateLimit({ intervalMs: this.#options.exchangeAgainMs / 2, burstCount: 16 })
  }

  // What others of this node ask.

  /** Where this node is, and what it holds there. */
  get cells(): Cells {
    return this.#cells
  }

  /** Everyone in the home cell, this node included. */
  members(): readonly Descriptor[] {
    return this.#home.grouping.cell.descriptors()
  }

  get isOneCell(): boolean {
    return this.#home.grouping.depth === 0
  }

  /** The table that queries go by; undefined where there is none, and only home cells to ask. */
  queryTable(surroundings: Surroundings): Table | undefined {
    return this.#layouts.tableForQueries(surroundings)
  }

  get newestLayout(): Layout | undefined {
    return this.#layouts.newest?.layout
  }

  tableNamed(id: number): Table | undefined {
    return this.#layouts.tables.find((table) => table.id === id)
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
    this.#intake.learn(descriptor, this.#layouts.tables, env)
  }

  /** The same of one that membership watches. */
  learnHome(descriptor: Descriptor, env: SelectionEnv): void {
    this.#intake.learnHome(descriptor, env)
  }

  /** A descriptor that came by chance, as all are equally likely to: what layouts are learned from. */
  observe(descriptor: Descriptor): void {
    this.#layouts.observe(descriptor)
  }

  /** Somebody asked for nodes by these attributes (lower case). */
  notePopular(attributes: readonly string[]): void {
    this.#layouts.notePopular(attributes)
  }

  /** This node says something new of itself. */
  announce(descriptor: Descriptor, env: SelectionEnv): void {
    for (const cell of this.#cells.all) cell.announce(descriptor, env)
  }

  /** Membership found a node of the home cell gone. */
  bury(descriptor: Descriptor, env: SelectionEnv): void {
    this.#obituaries.bury(descriptor, env)
  }

  /** Somebody has not heard that a node of the home cell is gone. */
  tellGone(descriptor: Descriptor, env: SelectionEnv): void {
    this.#obituaries.tellAgain(descriptor, env)
  }

  /** A node gave no answer. */
  doubt(peer: PeerId, env: SelectionEnv): void {
    this.#obituaries.doubt(peer, env)
  }

  // The protocol.

  start(env: SelectionEnv): void {
    this.#home.start(env)
    env.wakeAfter(env.rng.below(this.#options.cycleMs), { type: 'cycle' })
  }

  wake(timer: SelectionTimer, env: SelectionEnv): void {
    if (timer.type === 'cycle') return this.#runCycle(env)
    const cell = this.#cells.named(timer)
    if (timer.type === 'push') cell?.sendFresh(env)
    else this.#cells.watchingHome(env, () => cell?.exchange(env))
  }

  receive(from: PeerId, message: SelectionMessage, env: SelectionEnv): void {
    if (this.#awaited.size > 0) this.#awaited.delete(from)
    if (message.type === 'layout') return this.#takeLayout(message.layout, from, env)
    if (isAnswer(message)) return this.#receiveAnswer(from, message, env)
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    if (message.type === 'forward') return this.#obituaries.onForward(message, env)
    const cell = this.#cells.named(message)
    if (message.type === 'seek' || message.type === 'summary') {
      if (cell !== undefined && message.own !== undefined) this.#intake.takeOwn(message.own, cell, from, env)
      if (message.type === 'summary' && message.asked !== undefined) this.#layouts.learnPopular(message.asked)
      this.#compareLayouts(from, message, env)
    }
    if (cell === undefined) return
    if (message.type === 'seek') cell.onSeek(from, message, env)
    else if (message.type === 'summary') this.#cells.watchingHome(env, () => cell.onSummary(from, message, env))
    else if (message.type === 'holdings') cell.onHoldings(from, message, this.#gone.claimsByHash(), env)
    else cell.onWant(from, message, env)
  }

  #receiveAnswer(from: PeerId, message: AnswerMessage, env: SelectionEnv): void {
    const cell = this.#cells.named(message)
    if (cell === undefined) return
    if (message.type === 'contacts') return this.#intake.takeContacts(message, cell, from, env)
    if (message.type === 'found') return this.#cells.watchingHome(env, () => cell.onFound(from, message, env))
    const within = message.type === 'push' ? message.within : NOBODY
    const newsCount = this.#intake.takeNews(message, cell, { from, within }, env)
    for (const claim of message.gone) this.#obituaries.take(claim, cell, within, env)
    if (message.type === 'give') cell.onGiven(newsCount, env)
  }

  #runCycle(env: SelectionEnv): void {
    env.wakeAfter(this.#options.cycleMs, { type: 'cycle' })
    this.#intake.dropExpired(env)
    this.#considerLayout(env)
    if (this.#layouts.retire(env.nowMs)) this.#listCells()
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
    for (const descriptor of this.#cells.held())
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
    this.#cells.replaceOthers(this.#layouts.tables.flatMap(({ cells }) => cells))
    this.#awaited.clear()
  }

  // Small things.

  #createCell(name: CellName, keyOfDescriptor: (descriptor: Descriptor) => number): CellGossip {
    const { cellCountMax, cellCountMin, groupingCellShare } = this.#options
    const share = name.grouping === 0 ? 1 : groupingCellShare
    const grouping = new Grouping(this.#dependencies.own(), keyOfDescriptor, {
      cellCountMax: cellCountMax * share,
      cellCountMin: cellCountMin * share,
      growRestCycles: GROW_REST_CYCLES,
    })
    return new CellGossip(
      name,
      grouping,
      {
        own: this.#dependencies.own,
        checker: this.#dependencies.checker,
        cycle: (env) => this.#cycle(env),
        newest: () => ({ epoch: this.#layouts.epoch, newest: this.#layouts.newest?.id ?? 0 }),
        awaited: this.#awaited,
        asked: () => this.#layouts.asked(),
      },
      this.#options,
    )
  }

  get #home(): CellGossip {
    return this.#cells.home
  }

  #cycle(env: SelectionEnv): number {
    return Math.floor(env.nowMs / this.#options.cycleMs)
  }
}

/** What comes because it was asked for, or may well come unasked: it is cheap to take. */
type AnswerMessage = SelectionMessage & { readonly type: 'push' | 'give' | 'contacts' | 'found' }

function isAnswer(message: SelectionMessage): message is AnswerMessage {
  const { type } = message
  return type === 'push' || type === 'give' || type === 'contacts' || type === 'found'
}

/** Tries to draw a hearer for a new layout from the home cell, and from the contacts. */
const LAYOUT_FANOUT = 3
/** Cycles before a cell grows again that had to split after it grew. */
const GROW_REST_CYCLES = 16
