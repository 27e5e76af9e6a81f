import type { Descriptor } from '../descriptor/index.ts'
import type { AbortSignalLike, PeerId } from '../env/index.ts'
import type { Plan } from '../placement/index.ts'

/** Where candidates come from: what this node holds at once, then other cells as long as more are wanted. */
export interface CandidateSource {
  /** Begins a search. Nothing is given, and nobody is asked, before the first `more`. */
  seek(plan: Plan, options: SeekOptions): Seeking
}

export interface SeekOptions {
  /** The query as text: what others are asked. */
  readonly where: string
  /** How many nodes the query is for: what is asked of others may be cut to fit. */
  readonly wantedCount: number
  /** When the search ends whatever was found, in milliseconds of `nowMs`. */
  readonly deadlineMs: number
  /** Aborted when the search is over, for whatever reason: nobody is asked any more, and nothing given after that is looked at. */
  readonly signal: AbortSignalLike
  /** Nodes not to give. */
  readonly except: ReadonlySet<PeerId>
  /** Takes checked descriptors that the plan admits, in random order, at any time. A node that was given before is skipped. */
  onFound(descriptors: readonly Descriptor[]): void
  /** Takes nodes that were looked at and that the plan does not admit. */
  onRuledOut(peers: readonly PeerId[]): void
}

export interface Seeking {
  /**
   * Asks for so many more candidates. Resolves when they were given, or nobody is left, or the search is over; one that gives nothing new
   * is taken for the last. One call at a time.
   */
  more(count: number): Promise<void>
  /** Whether everyone who may match has been given. */
  readonly isExhausted: boolean
  /** The way so far. */
  readonly trail: Trail
}

/** How the candidates of a search were come by. */
export interface Trail {
  /** The attributes of the grouping that was searched; none where nodes are grouped by their ids alone. */
  readonly grouping: readonly string[]
  /** Cells that were searched, and nodes that were asked for descriptors, this one not counted; in so many steps one after another. */
  readonly cellCount: number
  readonly contactCount: number
  readonly roundTripCount: number
  /** Descriptors among those looked at that this node held itself. */
  readonly heldCount: number
  /** Parts of the grid for which nobody answered. */
  readonly failedCount: number
  /** How many cells the query was expected to touch. */
  readonly estimatedCells?: number
}
