import { Book } from './book.ts'
import { Views } from './views.ts'

/**
 * What the samplings of one process hold in common, as a simulation has them: one book of all descriptors, and all views side by
 * side. They may then pass each other numbers instead of descriptors, which is most of what makes a large simulation quick. A node has one
 * sampling at a time: a later one takes over the view of the one before.
 */
export class SamplingCommons {
  readonly views: Views
  readonly viewSize: number

  /**
   * For views of `viewSize`, and up to `nodesCountMax` nodes: descriptors of others are not taken, and a sampling of one more is
   * refused with a `RangeError`.
   */
  constructor(options: { readonly viewSize: number; readonly nodesCountMax: number }) {
    const { viewSize, nodesCountMax } = options
    this.viewSize = viewSize
    this.views = new Views(new Book({ countMax: nodesCountMax }), { size: viewSize, count: nodesCountMax })
  }
}
