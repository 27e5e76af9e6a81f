import type { ReplicaCore } from './core.ts'
import { APPEND_COUNT_MAX, type MessageTo } from './messages.ts'

type Append = MessageTo<'append'>

/**
 * A leader's messages with entries. Followers that are equally far get the same one, so that it is sliced, and encoded by whoever
 * sends it, once for all of them.
 */
export class AppendMessages {
  readonly #core: ReplicaCore
  readonly #roundOf: () => number
  #last: Append | undefined

  /** `roundOf` gives the number of the leader's newest call. */
  constructor(core: ReplicaCore, roundOf: () => number) {
    this.#core = core
    this.#roundOf = roundOf
  }

  get round(): number {
    return this.#roundOf()
  }

  /** What follows from the entry `next` on, as much as one message takes; undefined where the log does not reach back so far. */
  from(next: number): Append | undefined {
    const { log, options, group, term, commitIndex } = this.#core
    const prevTerm = log.termAt(next - 1)
    if (prevTerm === undefined) return undefined
    const entries = log.slice(next, { weightMax: options.appendWeightMax, countMax: APPEND_COUNT_MAX })
    const append: Append = {
      type: 'append',
      group,
      term,
      round: this.round,
      prevIndex: next - 1,
      prevTerm,
      commit: commitIndex,
      entries,
    }
    if (this.#last === undefined || !saysTheSame(this.#last, append)) this.#last = append
    return this.#last
  }
}

/** Of one leader: what stands at an index does not change while it leads. */
function saysTheSame(one: Append, other: Append): boolean {
  return (
    one.prevIndex === other.prevIndex &&
    one.entries.length === other.entries.length &&
    one.commit === other.commit &&
    one.round === other.round
  )
}
