import type { CommandContent, Entry } from './entry.ts'
import type { Outcome } from './sessions.ts'

/** Commands that wait to be applied; more are refused. */
export const PROPOSAL_COUNT_MAX = 4_096

/** What is told to who sent a command: its outcome, or that this replica stopped leading before it knew. */
export type Settle = (outcome: Outcome | undefined) => void

interface Proposal {
  readonly weight: number
  readonly key: string | undefined
  readonly settles: Settle[]
}

/** A leader's entries that somebody waits for. */
export class Proposals {
  readonly #byIndex = new Map<number, Proposal>()
  readonly #indexByKey = new Map<string, number>()
  #weight = 0

  get weight(): number {
    return this.#weight
  }
  get isFull(): boolean {
    return this.#byIndex.size >= PROPOSAL_COUNT_MAX
  }

  /** The same command was sent before and is in the log: both wait for one entry. */
  join(content: CommandContent, settle: Settle): boolean {
    const index = this.#indexByKey.get(keyOf(content))
    if (index === undefined) return false
    this.#byIndex.get(index)!.settles.push(settle)
    return true
  }

  add(entry: Entry, weight: number, settle: Settle): void {
    const key = entry.type === 'command' ? keyOf(entry) : undefined
    this.#byIndex.set(entry.index, { weight, key, settles: [settle] })
    if (key !== undefined) this.#indexByKey.set(key, entry.index)
    this.#weight += weight
  }

  /** The entry was applied. */
  settle(index: number, outcome: Outcome | undefined): void {
    const proposal = this.#byIndex.get(index)
    if (proposal === undefined) return
    this.#byIndex.delete(index)
    if (proposal.key !== undefined) this.#indexByKey.delete(proposal.key)
    this.#weight -= proposal.weight
    for (const settle of proposal.settles) settle(outcome)
  }

  /** Nobody leads here any more: what comes of the rest is for the next leader to tell. */
  abandon(): void {
    for (const index of [...this.#byIndex.keys()]) this.settle(index, undefined)
  }
}

function keyOf({ session, sequence, peer }: CommandContent): string {
  return `${session}:${sequence}:${peer}`
}
