import { Book } from './book.ts'
import { viewWordCount } from './view.ts'

/**
 * What the samplings of one process hold in common, as a simulation has them: one book of all descriptors, and all views side by
 * side. They may then pass each other numbers instead of descriptors, which is most of what makes a large simulation quick. A node has one sampling at a
 * time: a later one takes over the row of the one before.
 */
export class SamplingCommons {
  readonly book: Book
  readonly viewSize: number
  readonly #blocks: Int32Array[] = []

  /** For views of `viewSize`, and up to `nodesCountMax` nodes: descriptors of more are not taken. */
  constructor(options: { readonly viewSize: number; readonly nodesCountMax: number }) {
    this.viewSize = options.viewSize
    this.book = new Book({ countMax: options.nodesCountMax })
  }

  /** The place of the view of the node with this number. */
  rowOf(number: number): { readonly words: Int32Array; readonly base: number; readonly book: Book } {
    const index = number >> 1
    const block = Math.floor(index / BLOCK_ROWS)
    const rowWords = viewWordCount(this.viewSize)
    const words = (this.#blocks[block] ??= new Int32Array(BLOCK_ROWS * rowWords))
    return { words, base: (index % BLOCK_ROWS) * rowWords, book: this.book }
  }
}

const BLOCK_ROWS = 4_096
