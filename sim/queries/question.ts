import type { Attributes } from '../../overlay/attributes/index.ts'

/** A question that a simulated user asks, and the answer that is right. */
export interface Question {
  readonly where: string
  /** How many nodes are wanted; `WANT_ALL` for all there are. */
  readonly count: number
  /** Whether a node with these attributes is to be found, worked out beside the protocols. */
  isMatch(attributes: Attributes): boolean
}

/** More than any grid has. */
export const WANT_ALL = 1_000_000
