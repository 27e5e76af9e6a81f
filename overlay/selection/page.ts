import type { Descriptor } from '../descriptor/index.ts'
import { commonPrefix } from '../placement/index.ts'
import { Batch } from './batch.ts'
import {
  CLAIM_COUNT_MAX,
  DESCRIPTOR_COUNT_MAX,
  type CellName,
  type Claim,
  type News,
  type SelectionMessage,
} from './messages.ts'

/** Where a page comes from. */
export interface PageSource extends CellName {
  /** Who has checked all that is in it. */
  readonly checkedBy: object
  /** All of its descriptors share so many bits of their keys, in that grouping, with this key. */
  readonly key: number
  readonly depth: number
}

/**
 * A message that gives descriptors, as the node made it that sends it. A node of the same process, with the same checker, finds in
 * it what it would otherwise have to work out of each descriptor; whoever gets it over a network finds the message only.
 */
export class GivePage implements News {
  readonly type: 'give' | 'push' = 'give'
  readonly layout: number
  readonly grouping: number
  readonly descriptors: readonly Descriptor[]
  readonly gone: readonly Claim[]
  readonly #marks: readonly number[]
  readonly #source: PageSource

  constructor(source: PageSource, batch: Batch, gone: readonly Claim[]) {
    this.layout = source.layout
    this.grouping = source.grouping
    this.descriptors = batch.descriptors
    this.gone = gone
    this.#marks = batch.marks
    this.#source = source
  }

  /** The marks of its descriptors, two for each, where all of them were checked by the same checker and share `depth` bits with `key`. */
  static marksOf(
    message: News,
    checkedBy: object,
    { key, depth }: { readonly key: number; readonly depth: number },
  ): readonly number[] | undefined {
    if (!(#source in message)) return undefined
    const page = message as GivePage
    const source = page.#source
    if (source.checkedBy !== checkedBy || source.depth < depth || commonPrefix(source.key, key) < depth)
      return undefined
    return page.#marks
  }
}

export class PushPage extends GivePage {
  override readonly type = 'push'
  readonly within: number

  constructor(source: PageSource, batch: Batch, gone: readonly Claim[], within: number) {
    super(source, batch, gone)
    this.within = within
  }
}

/** The news as so many messages, claims with the first ones. */
export function givePages(source: PageSource, batch: Batch, gone: readonly Claim[]): SelectionMessage[] {
  return paged(batch, gone, (some, claims) => new GivePage(source, some, claims) as SelectionMessage)
}

export function pushPages(
  source: PageSource,
  batch: Batch,
  gone: readonly Claim[],
  within: number,
): SelectionMessage[] {
  return paged(batch, gone, (some, claims) => new PushPage(source, some, claims, within))
}

function paged(
  batch: Batch,
  gone: readonly Claim[],
  page: (batch: Batch, gone: readonly Claim[]) => SelectionMessage,
): SelectionMessage[] {
  if (batch.count <= DESCRIPTOR_COUNT_MAX && gone.length <= CLAIM_COUNT_MAX)
    return batch.count + gone.length > 0 ? [page(batch, gone)] : []
  const count = Math.max(Math.ceil(batch.count / DESCRIPTOR_COUNT_MAX), Math.ceil(gone.length / CLAIM_COUNT_MAX))
  return Array.from({ length: count }, (_, at) =>
    page(
      batch.part(at * DESCRIPTOR_COUNT_MAX, (at + 1) * DESCRIPTOR_COUNT_MAX),
      gone.slice(at * CLAIM_COUNT_MAX, (at + 1) * CLAIM_COUNT_MAX),
    ),
  )
}
