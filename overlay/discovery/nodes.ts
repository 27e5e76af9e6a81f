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
}

/** A node that answered a moment ago and matches. */
export interface Candidate {
  readonly id: PeerId
  /** Static attributes, and the dynamic ones as the node itself measured them just now. */
  readonly attributes: Attributes
  /** The value of `rank`; 0 where there is none, or where it is not a number (as HTCondor does). */
  readonly rank: number
}

/** Why a node that is known was not returned. */
export interface Rejection {
  readonly id: PeerId
  readonly reason: 'static' | 'dynamic' | 'silent'
}

export interface FindResult {
  /** Best rank first, at most `count`. */
  readonly candidates: readonly Candidate[]
  readonly rejections: readonly Rejection[]
}

/** The nodes of the grid, as this one sees them. */
export interface Nodes {
  list(): readonly NodeInfo[]
  get(id: PeerId): NodeInfo | undefined
  /** Malformed expressions are `EXPRESSION_MALFORMED`. Nobody found is an empty result, not an error. */
  find(query: Query, options: FindOptions): Promise<FindResult>
  /** Tells of every change of state, and of every newer descriptor. Returns how to stop. */
  watch(listener: (node: NodeInfo) => void): () => void
  /** Adds dynamic attributes, asked for at each query: `offer('aem', () => ({ FreeCores: 3 }))`. Returns how to stop. */
  offer(source: string, read: () => Readonly<Record<string, AttributeValue>>): () => void
}
