import {
  keyOf,
  readDescriptor,
  type Descriptor,
  type DescriptorChecker,
  type DescriptorFault,
} from '../descriptor/index.ts'
import { shape, type Surroundings } from '../env/index.ts'

/** A node's word that it is guest somewhere in a term. Where, follows from its name. */
export interface Visit {
  readonly descriptor: Descriptor
  readonly term: number
  /** By the descriptor's node over its name and the term, under the context `visit`: who is dead is no guest, whoever repeats its words. */
  readonly signature: Uint8Array
}

export const readVisit: shape.Shape<Visit> = shape.record({
  descriptor: readDescriptor,
  term: shape.integer(),
  signature: shape.bytes(64),
})

/** A visit as a node holds it, once for all cells and messages that it stands in. */
export class HeldVisit implements Visit {
  readonly descriptor: Descriptor
  readonly term: number
  readonly signature: Uint8Array
  readonly #key: number
  /** Whoever verified it. */
  readonly #checkedBy: DescriptorChecker

  private constructor(visit: Visit, descriptor: Descriptor, checkedBy: DescriptorChecker) {
    this.descriptor = descriptor
    this.term = visit.term
    this.signature = visit.signature
    this.#key = keyOf(descriptor)
    this.#checkedBy = checkedBy
  }

  /** `keyOf` its descriptor. */
  get key(): number {
    return this.#key
  }

  /** What stands verified for it, or what is wrong with it. */
  static check(visit: Visit, checker: DescriptorChecker, surroundings: Surroundings): HeldVisit | VisitFault {
    // Only nodes of one process have a checker in common.
    if (#checkedBy in visit && (visit as HeldVisit).#checkedBy === checker) return visit as HeldVisit
    const checked = checker.check(visit.descriptor, surroundings)
    if (!checked.ok) return checked.fault
    const { peer } = checked.descriptor
    const { term, signature } = visit
    if (!surroundings.crypto.verify(peer, CONTEXT, { peer, term }, signature)) return 'forged'
    return new HeldVisit(visit, checked.descriptor, checker)
  }

  static own(visit: Visit, checker: DescriptorChecker): HeldVisit {
    return new HeldVisit(visit, visit.descriptor, checker)
  }
}

export type VisitFault = DescriptorFault | 'conflict'

export function signVisit(descriptor: Descriptor, term: number, surroundings: Surroundings): Visit {
  const { peer } = descriptor
  return { descriptor, term, signature: surroundings.crypto.sign(CONTEXT, { peer, term }) }
}

const CONTEXT = 'visit'
