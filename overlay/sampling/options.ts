export interface SamplingOptions {
  /** Descriptors in the view. More finds through heavier losses, at more to shuffle. */
  readonly viewSize: number
  /** Descriptors in one shuffle, its own included. */
  readonly shuffleSize: number
  /** Between two shuffles that a node starts. Shorter mends sooner and costs in proportion. */
  readonly cycleMs: number
  /** The first cycles after a start, while the view is a stranger's choice, are this short and this many. */
  readonly firstCycleMs: number
  readonly firstCycleCount: number
  /** How long a shuffle may stay unanswered before another peer is asked instead, and how often in one cycle. */
  readonly replyTimeoutMs: number
  readonly retryCount: number
  /** In one of so many cycles a peer of the reserve is asked too: what was torn apart and forgot each other grows together. */
  readonly reserveCycleCount: number
  readonly reserveCountMax: number
  /** From a change of the reserve to the event that asks for it to be stored, and the least time between two such events. */
  readonly reserveStoreMs: number
  readonly reserveRestMs: number
  /** The least time between two such events while the reserve holds a few peers only. */
  readonly reserveFewRestMs: number
  /** With an empty view: between two tries of seeds and reserve, growing from the first to the last; and how many are tried at once. */
  readonly searchMsMin: number
  readonly searchMsMax: number
  readonly searchContactCount: number
}

/** View and shuffle sizes are those that DESIGN's figures were measured with. */
export const SAMPLING_DEFAULTS: SamplingOptions = {
  viewSize: 20,
  shuffleSize: 8,
  cycleMs: 5_000,
  firstCycleMs: 1_000,
  firstCycleCount: 10,
  replyTimeoutMs: 1_000,
  retryCount: 3,
  reserveCycleCount: 12,
  reserveCountMax: 200,
  reserveStoreMs: 3_000,
  reserveRestMs: 60_000,
  reserveFewRestMs: 1_000,
  searchMsMin: 500,
  searchMsMax: 15_000,
  searchContactCount: 3,
}
