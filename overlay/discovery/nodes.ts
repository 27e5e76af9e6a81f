import type { AbortSignalLike, PeerId } from '../env/index.ts'
import type { Attributes, AttributeValue } from '../attributes/index.ts'

/** `alive`, or what membership thinks of a node that is not. */
export type NodeState = 'alive' | 'suspect' | 'dead' | 'left'

/** A node as this one knows it. */
export interface NodeInfo {
  readonly id: PeerId
  /** What its operator calls it; nothing keeps two nodes from having one name. */
  readonly name: string
  readonly state: NodeState
  /** When this node came to think so, in milliseconds of `surroundings.nowMs`. */
  readonly sinceMs: number
  /** Static attributes from its newest descriptor. */
  readonly attributes: Attributes
  readonly addresses: readonly string[]
  readonly sequence: number
}

/** A question for machines: ClassAd expressions over attributes, as text. */
export interface Query {
  /** Only nodes for which it is `true` (not `undefined`, not an error) are taken. */
  readonly where: string
  /** A number; higher comes first. Without it the order is random. */
  readonly rank?: string
  /** How many nodes are wanted, from 1. */
  readonly count: number
}

export interface FindOptions {
  /** When to stop looking; what was found so far stands. */
  readonly timeoutMs: number
  readonly signal?: AbortSignalLike
  /** Nodes not to ask. */
  readonly except?: ReadonlySet<PeerId>
  /** Asks these alone, as far as this node knows them; nobody else is looked for. */
  readonly among?: ReadonlySet<PeerId>
  /**
   * Told of each candidate: of a query without `rank` the moment it has answered, of one with `rank` best first at the end. What it throws
   * ends the search, which is then rejected with that.
   */
  readonly onCandidate?: (candidate: Candidate) => void
}

/** A node that answered a moment ago and matches. */
export interface Candidate {
  readonly id: PeerId
  readonly name: string
  /** Static attributes, and the dynamic ones as the node itself measured them just now. */
  readonly attributes: Attributes
  /** The value of `rank`; 0 where there is none, or where it is not a number (as HTCondor does). */
  readonly rank: number
}

/** Why a node that was looked at was not returned: by its descriptor, by what it said, or because it said nothing. */
export interface Rejection {
  readonly id: PeerId
  readonly reason: 'static' | 'dynamic' | 'silent'
}

/** Why a search ended: as many as were wanted, nobody left to ask, time over, or given up. */
export type SearchEnd = 'enough' | 'nobody-left' | 'deadline' | 'cancelled'

/** How a search went, for people and for figures. */
export interface Explanation {
  /**
   * What the query says of static attributes, as `Cores >= 8, Os = "linux"`: nodes that match stand in one of these boxes. An empty
   * text is a box that holds every node; where there is no box nobody can match.
   */
  readonly boxes: readonly string[]
  /** The attributes of the grouping whose cells were searched; none where nodes are grouped by their ids alone. */
  readonly grouping: readonly string[]
  /** Cells that were searched, and nodes that were asked for descriptors, this one not counted; in so many steps one after another. */
  readonly cellCount: number
  readonly contactCount: number
  readonly roundTripCount: number
  /** Descriptors among those looked at that this node held itself. */
  readonly heldCount: number
  /** Parts of the grid for which nobody answered. */
  readonly failedCount: number
  /** How many cells the query was expected to touch, where that was reckoned. */
  readonly estimatedCells?: number
  /** Nodes looked at: ruled out by their descriptors, or candidates. Those asked matched, did not, or were silent. */
  readonly consideredCount: number
  readonly ruledOutCount: number
  readonly askedCount: number
  readonly confirmedCount: number
  readonly unfitCount: number
  readonly silentCount: number
  readonly elapsedMs: number
  /** Whether every node that may match was looked at, and asked. */
  readonly complete: boolean
  readonly reason: SearchEnd
}

export interface FindResult {
  /** Best rank first, at most `count`. */
  readonly candidates: readonly Candidate[]
  /** Of the nodes that were looked at; the first ten thousand, while the counts of `explanation` are of all. */
  readonly rejections: readonly Rejection[]
  readonly explanation: Explanation
}

/** The nodes of the grid, as this one sees them. */
export interface Nodes {
  list(): readonly NodeInfo[]
  get(id: PeerId): NodeInfo | undefined
  /**
   * Malformed expressions are `EXPRESSION_MALFORMED`. Nobody found is an empty result, not an error. `CANCELLED`, with the explanation
   * under `data`, where the signal says so.
   */
  find(query: Query, options: FindOptions): Promise<FindResult>
  /** Tells of every change of state, and of every newer descriptor. Returns how to stop. */
  watch(listener: (node: NodeInfo) => void): () => void
  /** Adds dynamic attributes, asked for at each query: `offer('aem', () => ({ FreeCores: 3 }))`. Returns how to stop. */
  offer(source: string, read: () => Readonly<Record<string, AttributeValue>>): () => void
}
