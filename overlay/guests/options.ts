export interface GuestsOptions {
  /** Random nodes that others of this node draw from. */
  readonly viewSize: number
  /**
   * How long a node is guest in one cell. Shorter brings fresh faces sooner, and costs visits in proportion; much shorter than clocks
   * differ, and guests are missed.
   */
  readonly termMs: number
  /** A visit comes so long before its term begins: all of the cell have heard of it when it counts. */
  readonly leadMs: number
  /** What is done again and again is done once in so long. */
  readonly cycleMs: number
  /** Every so many cycles two members of a cell compare whom they know as guests. */
  readonly exchangeCycleCount: number
  /** How long news is gathered before it is passed on, to how many, and how much may wait; what does not fit is left to the exchanges. */
  readonly pushMs: number
  readonly pushFanout: number
  readonly pushCountMax: number
  /** Members of the cell that a visitor wants to be welcomed by; ways that it tries for that in each term, at once and in all. */
  readonly welcomeCount: number
  readonly pathCountMax: number
  /** Nodes asked on one way. Each settles some bits of a key; a liar leads astray, but never on for ever. */
  readonly hopCountMax: number
  /** How long an answer may take. */
  readonly replyTimeoutMs: number
  /** New picks of the view that are asked for a word in one cycle; of the others one is. */
  readonly checkCountMax: number
  /**
   * Guests that are held; beyond it no more are taken in. A cell has about as many as members, twice as many where half of them come
   * early: below this until a cell of the greatest size is half made up of nodes whose names were chosen for it.
   */
  readonly guestCountMax: number
}

/** A term is 60 cycles of sampling; a cell of 500 hears of two to three guests a second then, each of them twice. */
export const GUESTS_DEFAULTS: GuestsOptions = {
  viewSize: 20,
  termMs: 300_000,
  leadMs: 90_000,
  cycleMs: 5_000,
  exchangeCycleCount: 3,
  pushMs: 4_000,
  pushFanout: 2,
  pushCountMax: 128,
  welcomeCount: 3,
  pathCountMax: 12,
  hopCountMax: 6,
  replyTimeoutMs: 1_000,
  checkCountMax: 4,
  guestCountMax: 2_048,
}
