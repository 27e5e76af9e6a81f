import type { Attributes } from '../../overlay/attributes/index.ts'

/** One machine before it is a node. */
export interface Machine {
  readonly name: string
  readonly attributes: Attributes
}

/** The machines that a grid is made of, as many as are asked for: a machine is a function of the seed and its index alone. */
export interface Population {
  /** As it is given on the command line. */
  readonly source: string
  /** The attributes that its machines may have, in the spelling of their descriptors. */
  readonly attributeNames: readonly string[]
  machine(index: number): Machine
}
