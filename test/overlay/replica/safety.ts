import type { PeerId, Plain } from '../../../overlay/index.ts'
import { canonical } from '../../../overlay/replica/plain.ts'
import type { Entry } from '../../../overlay/replica/index.ts'
import type { Replica } from '../../../overlay/replica/replica.ts'

/**
 * Raft's promises (paper, figure 3), watched over all replicas of one group and all their lives. Each is checked as soon as an event
 * could have broken it, over what that event has changed.
 */
export class Safety {
  /** What is broken, in words, from the first time on. */
  broken: string | undefined
  readonly #leaders = new Map<number, PeerId>()
  /** By place and term: what the entry is, and the term of the one before it. */
  readonly #entries = new Map<string, string>()
  /** By index. */
  readonly #committed: { readonly term: number; readonly content: string; readonly inTerm: number }[] = []
  readonly #commitIndexes = new WeakMap<Replica, number>()
  readonly #applied: string[] = []
  #commitsCount = 0

  get commitsCount(): number {
    return this.#commitsCount
  }
  get leadersCount(): number {
    return this.#leaders.size
  }

  /** Election safety, and leader completeness: whoever leads has all that was committed in earlier terms. */
  led(peer: PeerId, replica: Replica): void {
    const { term, log } = replica.core
    const other = this.#leaders.get(term)
    if (other !== undefined && other !== peer) this.#refuse(`election safety: ${peer} and ${other} lead term ${term}`)
    this.#leaders.set(term, peer)
    for (const [index, committed] of this.#committed.entries()) {
      if (committed === undefined || committed.inTerm >= term || index < log.baseIndex) continue
      if (log.termAt(index) !== committed.term)
        this.#refuse(`leader completeness: ${peer} leads term ${term} without entry ${index} of term ${committed.term}`)
    }
  }

  /**
   * Log matching, by induction: where an entry of one place and term is always the same one behind an entry of the same term,
   * two logs that share one share all before it.
   */
  wrote(entries: readonly Entry[], termBefore: number | undefined): void {
    let previous = termBefore
    for (const entry of entries) {
      const place = `${entry.index}@${entry.term}`
      const content = `${words(entry)} after ${previous}`
      const known = this.#entries.get(place)
      if (known === undefined) {
        if (previous !== undefined) this.#entries.set(place, content)
      } else if (previous !== undefined && known !== content)
        this.#refuse(`log matching: entry ${place} is ${content} and ${known}`)
      previous = entry.term
    }
  }

  /** State machine safety: no two replicas have different entries committed at one index. */
  look(peer: PeerId, replica: Replica): void {
    const { core } = replica
    const seen = this.#commitIndexes.get(replica) ?? 0
    if (core.commitIndex <= seen) return
    this.#commitIndexes.set(replica, core.commitIndex)
    for (let index = Math.max(seen, core.log.baseIndex) + 1; index <= core.commitIndex; index++) {
      const entry = core.log.at(index)!
      const content = words(entry)
      const known = this.#committed[index]
      if (known === undefined) {
        this.#committed[index] = { term: entry.term, content, inTerm: core.term }
        this.#commitsCount++
      } else if (known.content !== content)
        this.#refuse(`state machine safety: at ${index} ${peer} has committed ${content}, another ${known.content}`)
    }
  }

  /** The same of what services were given. */
  applied(peer: PeerId, index: number, command: unknown): void {
    const content = words(command)
    const known = this.#applied[index]
    if (known !== undefined && known !== content)
      this.#refuse(`state machine safety: at ${index} ${peer} applies ${content}, another ${known}`)
    this.#applied[index] = content
  }

  #refuse(reason: string): void {
    this.broken ??= reason
  }
}

/** However a value came here: parsing and decoding put keys in orders of their own. */
function words(value: unknown): string {
  return JSON.stringify(canonical(value as Plain))
}
