import { peersOf, type Entry, type GroupConfiguration, type SnapshotMeta } from './entry.ts'
import { weigh } from './plain.ts'

interface Placed {
  readonly index: number
  readonly configuration: GroupConfiguration
}

const NOBODY: GroupConfiguration = { voters: [], learners: [] }

/**
 * A replica's log in memory: the entries after a base, which is where a snapshot let it be cut. It also knows the group's
 * configuration, which is the newest in the log, committed or not (dissertation 4.1), and goes with the entry that brought it.
 */
export class ReplicaLog {
  #baseIndex = 0
  #baseTerm = 0
  #entries: Entry[] = []
  #weights: number[] = []
  #weight = 0
  /** In the order of the log; the first is what held at the base. */
  #configurations: Placed[] = [{ index: 0, configuration: NOBODY }]

  constructor(snapshot?: SnapshotMeta, entries: readonly Entry[] = []) {
    if (snapshot) this.reset(snapshot)
    this.append(entries.filter(({ index }) => index > this.#baseIndex))
  }

  /** Entries up to here are gone; the place itself is still known by its term. */
  get baseIndex(): number {
    return this.#baseIndex
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm
  }

  /** What all entries weigh that are kept. */
  get weight(): number {
    return this.#weight
  }

  /** The newest configuration, and the entry that brought it. */
  get configuration(): GroupConfiguration {
    return this.#configurations.at(-1)!.configuration
  }
  get configurationIndex(): number {
    return this.#configurations.at(-1)!.index
  }

  /** The configuration that held when `index` was the last entry, which is not before the base. */
  configurationAt(index: number): Placed {
    return this.#configurations.findLast((placed) => placed.index <= index) ?? this.#configurations[0]!
  }

  /** That one, and those that came after it. */
  configurationsSince(index: number): GroupConfiguration[] {
    const first = this.configurationAt(index).index
    return this.#configurations.filter((placed) => placed.index >= first).map(({ configuration }) => configuration)
  }

  /** Everybody that any configuration in the log names. */
  knows(peer: string): boolean {
    return this.#configurations.some(({ configuration }) => peersOf(configuration).includes(peer))
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.#baseIndex - 1]
  }

  /** The term of the entry at `index`; undefined where that is before the base or after the end. */
  termAt(index: number): number | undefined {
    return index === this.#baseIndex ? this.#baseTerm : this.at(index)?.term
  }

  /** Consecutive entries, the first of which follows the last. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const weight = weigh(entry, Infinity)
      this.#entries.push(entry)
      this.#weights.push(weight)
      this.#weight += weight
      if (entry.type === 'members')
        this.#configurations.push({ index: entry.index, configuration: entry.configuration })
    }
  }

  /** Drops the entries from `index` on. */
  truncate(index: number): void {
    const count = Math.max(0, index - this.#baseIndex - 1)
    this.#entries.splice(count)
    for (const weight of this.#weights.splice(count)) this.#weight -= weight
    while (this.configurationIndex >= index && this.#configurations.length > 1) this.#configurations.pop()
  }

  /** Entries from `from` on: at least one where there is one, and more within the bounds. */
  slice(from: number, { weightMax, countMax }: { readonly weightMax: number; readonly countMax: number }): Entry[] {
    const start = from - this.#baseIndex - 1
    let end = start
    let weight = 0
    while (end < this.#entries.length && end - start < countMax) {
      weight += this.#weights[end]!
      if (end > start && weight > weightMax) break
      end++
    }
    return this.#entries.slice(start, end)
  }

  /** What the entry at `index` weighs, which is one that is kept. */
  weightAt(index: number): number {
    return this.#weights[index - this.#baseIndex - 1]!
  }

  /** What the entries after `index` weigh. */
  weightAfter(index: number): number {
    let weight = 0
    for (let at = this.#entries.length - 1; at >= index - this.#baseIndex; at--) weight += this.#weights[at]!
    return weight
  }

  /** Cuts the log behind a snapshot of `index`, but for the newest entries before it, as far as these weigh `keepWeight`. */
  compact(index: number, keepWeight: number): void {
    let through = index
    let kept = 0
    while (through > this.#baseIndex) {
      kept += this.#weights[through - this.#baseIndex - 1]!
      if (kept > keepWeight) break
      through--
    }
    const count = through - this.#baseIndex
    if (count <= 0) return
    this.#baseTerm = this.termAt(through)!
    this.#baseIndex = through
    this.#entries.splice(0, count)
    for (const weight of this.#weights.splice(0, count)) this.#weight -= weight
    const standing = this.configurationAt(through)
    this.#configurations = [standing, ...this.#configurations.filter((placed) => placed.index > through)]
  }

  /** Begins behind a snapshot, with no entries. */
  reset({ index, term, configuration }: SnapshotMeta): void {
    this.#baseIndex = index
    this.#baseTerm = term
    this.#entries = []
    this.#weights = []
    this.#weight = 0
    this.#configurations = [{ index, configuration }]
  }

  /**
   * The last place at or before `index` whose term is at most `term`: where two logs may still match, since terms only grow along
   * a log. Undefined where that is before the base.
   */
  lastAtMost(index: number, term: number): number | undefined {
    let at = Math.min(index, this.lastIndex)
    while (at >= this.#baseIndex && this.termAt(at)! > term) at--
    return at < this.#baseIndex ? undefined : at
  }
}
