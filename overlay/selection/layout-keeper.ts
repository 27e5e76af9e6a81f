import type { Descriptor } from '../descriptor/index.ts'
import type { Surroundings } from '../env/index.ts'
import {
  driftOf,
  isWorthMoving,
  layoutId,
  Popularity,
  proposeLayout,
  Sample,
  supersedes,
  type Layout,
  type LayoutChecker,
  type PopularitySummary,
} from '../placement/index.ts'
import type { CellGossip } from './cell-gossip.ts'
import type { SelectionOptions } from './options.ts'

/** The cells that this node is in by one layout, in the order of its groupings. */
export interface Table {
  readonly id: number
  readonly layout: Layout
  readonly adoptedAtMs: number
  readonly cells: readonly CellGossip[]
}

/** What is to be done with a layout that somebody sent. */
export type Verdict =
  | { readonly type: 'take'; readonly layout: Layout }
  | { readonly type: 'refuse'; readonly reason: string }
  | { readonly type: 'leave' }

/**
 * Which layouts this node goes by. The newest fills while the one before answers, and then stands alone. Whether another is due, and whether
 * one that others propose is likely, follows from a sample of the grid and from what people ask for.
 */
export class LayoutKeeper {
  readonly #checker: LayoutChecker
  readonly #options: SelectionOptions
  readonly #sample = new Sample()
  readonly #popularity = new Popularity()
  /** The newest first. */
  #tables: readonly Table[] = []

  constructor(checker: LayoutChecker, options: SelectionOptions) {
    this.#checker = checker
    this.#options = options
  }

  get tables(): readonly Table[] {
    return this.#tables
  }

  get newest(): Table | undefined {
    return this.#tables[0]
  }

  get epoch(): number {
    return this.newest?.layout.epoch ?? 0
  }

  /** The newest table that has had time to fill, or whose cells this node knows whole though it came late; undefined where there is none. */
  tableForQueries({ nowMs, wallMs }: Surroundings): Table | undefined {
    const { layoutSettleMs } = this.#options
    return this.#tables.find(
      ({ layout, adoptedAtMs, cells }) =>
        nowMs - adoptedAtMs >= layoutSettleMs ||
        (wallMs - layout.madeAtMs >= layoutSettleMs && cells.every((cell) => cell.isReady(nowMs))),
    )
  }

  /** Random nodes of the whole grid, met lately. */
  sampled(): readonly Descriptor[] {
    return this.#sample.descriptors()
  }

  observe(descriptor: Descriptor): void {
    this.#sample.add(descriptor)
  }

  /** Somebody asked for nodes by these attributes (lower case). */
  notePopular(attributes: readonly string[]): void {
    this.#popularity.add(attributes)
  }

  learnPopular(summary: PopularitySummary): void {
    this.#popularity.merge(summary)
  }

  /** What people ask for, where anything is known of that. */
  asked(): PopularitySummary | undefined {
    return this.#popularity.weight > 0 ? this.#popularity.summary() : undefined
  }

  /** A layout that is due, signed by this node. Of all who see that, a few propose one each cycle. */
  propose(nodeCount: number, surroundings: Surroundings): Layout | undefined {
    const { newest } = this
    const { sampleCountMin, layoutRestMs, groupingCount, attributesPerGrouping } = this.#options
    if (this.#sample.count < sampleCountMin) return undefined
    if (newest !== undefined && surroundings.nowMs - newest.adoptedAtMs < layoutRestMs) return undefined
    if (surroundings.rng.real() * nodeCount >= PROPOSER_COUNT) return undefined
    if (newest !== undefined && !isWorthMoving(newest.layout, this.#sample, this.#popularity)) return undefined
    const fields = {
      sample: this.#sample,
      popularity: this.#popularity,
      epoch: this.epoch + 1,
      current: newest?.layout,
      groupingCount,
      attributesPerGrouping,
    }
    const layout = proposeLayout(fields, surroundings)
    return layout.groupings.length > 0 ? layout : undefined
  }

  /** A later epoch goes before an earlier one, and of two proposals for one all come to take the same. */
  judge(layout: Layout, surroundings: Surroundings): Verdict {
    if (this.newest !== undefined && !supersedes(layout, this.newest.layout)) return { type: 'leave' }
    const checked = this.#checker.check(layout, surroundings)
    if (checked === undefined) return { type: 'refuse', reason: 'forged' }
    const reason = this.#faultOf(checked, surroundings.nowMs)
    return reason === undefined ? { type: 'take', layout: checked } : { type: 'refuse', reason }
  }

  /** Goes by a layout from now on. Of two proposals for one epoch the first was hardly begun, and goes. */
  adopt(layout: Layout, cells: readonly CellGossip[], nowMs: number): void {
    const stays = this.#tables.filter((table) => table.layout.epoch < layout.epoch)
    const table = { id: layoutId(layout), layout, adoptedAtMs: nowMs, cells }
    this.#tables = [table, ...stays].slice(0, TABLE_COUNT_MAX)
  }

  /** The layout before the newest answers no longer, once that has stood for long enough. Says whether one went. */
  retire(nowMs: number): boolean {
    const [newest, ...older] = this.#tables
    if (newest === undefined || older.length === 0) return false
    if (nowMs - newest.adoptedAtMs < this.#options.layoutRetireMs) return false
    this.#tables = [newest]
    return true
  }

  /** Layouts must not chase each other, nor be far from what this node has seen of the grid. */
  #faultOf(layout: Layout, nowMs: number): string | undefined {
    const { newest, epoch } = this
    const restMs = this.#options.layoutRestMs / 4
    if (newest !== undefined && layout.epoch > epoch && nowMs - newest.adoptedAtMs < restMs) return 'layout-too-soon'
    if (layout.epoch > (newest === undefined ? EPOCH_FIRST_MAX : epoch + EPOCH_LEAP_MAX)) return 'layout-epoch'
    const isSampled = this.#sample.count >= this.#options.sampleCountMin
    return isSampled && driftOf(layout, this.#sample) > DRIFT_MAX ? 'layout-unlikely' : undefined
  }
}

/** Expected proposals a cycle in the whole grid, while one is due. */
const PROPOSER_COUNT = 4
/** How far ahead of ours an epoch may be. */
const EPOCH_LEAP_MAX = 16
/**
 * And where we have none: more than any grid comes to, and far from the end of all numbers, where a stranger's layout would stay for ever
 * since nothing comes after it.
 */
const EPOCH_FIRST_MAX = 2 ** 31
/** How far a layout may be from what we have seen: see `driftOf`. */
const DRIFT_MAX = 0.3
/** Layouts at once: the newest, and the one that answers while it fills. */
const TABLE_COUNT_MAX = 2
