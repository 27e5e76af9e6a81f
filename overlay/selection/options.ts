export interface SelectionOptions {
  /** A cell with more members than this splits; one with fewer takes its sibling in. */
  readonly cellCountMax: number
  readonly cellCountMin: number
  /** What share of both goes for cells by attributes: each node is in several of them, and in one home cell. */
  readonly groupingCellShare: number
  /** Between two exchanges that a node starts in its home cell, in each other cell, and in any while the last one brought something. */
  readonly exchangeMs: number
  readonly groupingExchangeMs: number
  readonly exchangeAgainMs: number
  /** Between two tries to find the cell where one belongs. */
  readonly seekMs: number
  /** How long after it found its cell a node is taken to know everyone there. */
  readonly readyMs: number
  /** How long news is gathered before it is pushed, in the home cell of a small grid and in cells of a large one, and how much may wait; what does not fit is left to the exchanges. */
  readonly pushMs: number
  readonly groupingPushMs: number
  readonly pushCountMax: number
  /** How long the same members hand on the news of a cell before it is others' turn. */
  readonly headTurnMs: number
  /** Contacts of other cells that one exchange passes on, and how old (in cycles) word of them may be. */
  readonly contactCount: number
  readonly contactAgeMax: number
  /** What counts as one cycle for ages. */
  readonly cycleMs: number
  /**
   * How long a new layout fills before queries use it, how long the one before still answers, and how long a layout stands at least before
   * this node proposes another; another's, it takes after a quarter of that.
   */
  readonly layoutSettleMs: number
  readonly layoutRetireMs: number
  readonly layoutRestMs: number
  /** Random descriptors met before layouts are made or judged. */
  readonly sampleCountMin: number
  /** Ways in which a large grid is cut by attributes, and attributes in each. */
  readonly groupingCount: number
  readonly attributesPerGrouping: number
}

/** Cells of some hundreds: DESIGN's static models were computed with 390 members a cell and four groupings of four attributes. */
export const SELECTION_DEFAULTS: SelectionOptions = {
  cellCountMax: 512,
  cellCountMin: 128,
  groupingCellShare: 0.5,
  exchangeMs: 3_000,
  groupingExchangeMs: 5_000,
  exchangeAgainMs: 200,
  seekMs: 1_000,
  readyMs: 15_000,
  pushMs: 20,
  groupingPushMs: 500,
  pushCountMax: 256,
  headTurnMs: 30_000,
  contactCount: 4,
  contactAgeMax: 6,
  cycleMs: 5_000,
  layoutSettleMs: 30_000,
  layoutRetireMs: 120_000,
  layoutRestMs: 600_000,
  sampleCountMin: 128,
  groupingCount: 4,
  attributesPerGrouping: 4,
}
