import type { RoostError } from '../error/index.ts'
import type { Entry } from './entry.ts'
import type { ReplicaStorage, StorageWrite } from './storage.ts'

/** Writes that wait for the disk. A follower with so many takes no more entries, a leader leads no longer. */
export const WRITES_PENDING_MAX = 4_096

interface Pending {
  /** The end of the log, as it will be on the disk with this write, if nothing has cut it since. */
  lastIndex: number
  readonly keepsHardState: boolean
  readonly then: (() => void)[]
}

export interface SavingDependencies {
  readonly storage: ReplicaStorage
  /** Entries are held back: come back to `flush` when this turn is over. */
  readonly onHeld: () => void
  /** The disk has taken more. */
  readonly onSaved: () => void
  readonly onFailed: (error: RoostError) => void
}

/** What of a replica is on its disk by now, and what waits for more of it to be. */
export class Saving {
  readonly #dependencies: SavingDependencies
  readonly #pending: Pending[] = []
  /** A leader's entries of this turn: they go to the disk in one write. */
  #held: Entry[] = []
  #durableIndex: number
  #isClosed = false

  constructor(durableIndex: number, dependencies: SavingDependencies) {
    this.#durableIndex = durableIndex
    this.#dependencies = dependencies
  }

  /** The log is on the disk up to here, as it stands in memory. */
  get durableIndex(): number {
    return this.#durableIndex
  }

  /** Term and vote are on the disk as they stand in memory. */
  get isHardStateDurable(): boolean {
    return !this.#pending.some(({ keepsHardState }) => keepsHardState)
  }

  get isFull(): boolean {
    return this.#pending.length >= WRITES_PENDING_MAX
  }

  /** The next entry of the log is written with whatever follows it in this turn. */
  hold(entry: Entry): void {
    if (this.#held.length === 0) this.#dependencies.onHeld()
    this.#held.push(entry)
  }

  /** Writes what is held back. */
  flush(): void {
    const last = this.#held.at(-1)
    if (last === undefined) return
    const entries = this.#held
    this.#held = []
    this.#write({ entries }, last.index)
  }

  /** Writes, with `lastIndex` where the log then ends, behind what is held back. */
  save(write: StorageWrite, lastIndex: number, then?: () => void): void {
    const first = write.entries?.[0]?.index
    if (first !== undefined) this.cut(first - 1)
    this.flush()
    this.#write(write, lastIndex, then)
  }

  #write(write: StorageWrite, lastIndex: number, then?: () => void): void {
    this.#pending.push({ lastIndex, keepsHardState: write.hardState !== undefined, then: then ? [then] : [] })
    this.#dependencies.storage.persist(write, (error) => this.#settle(error))
  }

  /** Runs once all that was written so far is on the disk: now, where it is. */
  whenSaved(run: () => void): void {
    this.flush()
    const last = this.#pending.at(-1)
    if (last) last.then.push(run)
    else run()
  }

  /** The log was cut after `index`: what is on the disk beyond it, or on its way there, is not the log any more. */
  cut(index: number): void {
    this.#durableIndex = Math.min(this.#durableIndex, index)
    for (const pending of this.#pending) pending.lastIndex = Math.min(pending.lastIndex, index)
    this.#held = this.#held.filter((entry) => entry.index <= index)
  }

  close(): void {
    this.#isClosed = true
  }

  #settle(error: RoostError | undefined): void {
    if (this.#isClosed) return
    if (error) {
      this.#dependencies.onFailed(error)
      return
    }
    const { lastIndex, then } = this.#pending.shift()!
    this.#durableIndex = lastIndex
    for (const run of then) run()
    this.#dependencies.onSaved()
  }
}
