import type { PeerId } from '../env/index.ts'
import type { RoostError } from '../error/index.ts'
import type { Entry, EntryContent, GroupConfiguration, HardState, SnapshotMeta } from './entry.ts'
import type { ReplicaEnv } from './events.ts'
import { ReplicaLog } from './log.ts'
import type { Ack, GroupMessage } from './messages.ts'
import type { ReplicaOptions } from './options.ts'
import { Saving } from './saving.ts'
import type { Outcome } from './sessions.ts'
import type { StateMachine } from './state-machine.ts'
import type { ReplicaStorage, StagedSnapshot, StoredReplica } from './storage.ts'

export interface CoreDependencies {
  readonly env: ReplicaEnv
  readonly storage: ReplicaStorage
  readonly machine: StateMachine
  /** Entries are to be written and sent: come back to `saving.flush` when this turn is over. */
  readonly onHeld: () => void
  /** The disk has taken more of what was written. */
  readonly onSaved: () => void
  /** An entry was applied. */
  readonly onApplied: (entry: Entry, outcome: Outcome | undefined) => void
  /** More is committed than before, and applied as far as could be at once. */
  readonly onCommitted: () => void
  readonly onFailed: (error: RoostError) => void
  /** Committed entries are left to be applied: come back to `applyMore` soon. */
  readonly onMoreToApply: () => void
}

/**
 * What a replica knows and keeps whatever its role: term and vote, the log, what is committed, the state machine (paper,
 * figure 2). Roles (`Leadership`, `Following`, `Election`) work on it.
 */
export class ReplicaCore {
  readonly group: string
  readonly options: ReplicaOptions
  readonly env: ReplicaEnv
  readonly storage: ReplicaStorage
  readonly machine: StateMachine
  readonly log: ReplicaLog
  readonly saving: Saving
  readonly #dependencies: CoreDependencies
  readonly #incarnation: number
  #term: number
  #votedFor: PeerId | undefined
  #commitIndex: number
  #snapshot: SnapshotMeta | undefined
  #isRestoring = false
  #isApplying = false
  /** Whom this replica believes to lead in this term. */
  leader: PeerId | undefined
  /** What lay on the disk of a snapshot that was not whole, as long as it lies there. */
  staged: StagedSnapshot | undefined

  constructor(group: string, stored: StoredReplica, dependencies: CoreDependencies, options: ReplicaOptions) {
    this.group = group
    this.options = options
    this.#dependencies = dependencies
    this.env = dependencies.env
    this.storage = dependencies.storage
    this.machine = dependencies.machine
    this.#term = stored.hardState.term
    this.#votedFor = stored.hardState.votedFor
    this.#incarnation = stored.hardState.incarnation
    this.#snapshot = stored.snapshot
    this.staged = stored.staged
    this.#commitIndex = stored.snapshot?.index ?? 0
    this.log = new ReplicaLog(stored.snapshot, stored.entries)
    this.saving = new Saving(this.log.lastIndex, dependencies)
  }

  get self(): PeerId {
    return this.env.self
  }
  get incarnation(): number {
    return this.#incarnation
  }
  get term(): number {
    return this.#term
  }
  get votedFor(): PeerId | undefined {
    return this.#votedFor
  }
  get commitIndex(): number {
    return this.#commitIndex
  }
  /** The newest snapshot that is whole. */
  get snapshot(): SnapshotMeta | undefined {
    return this.#snapshot
  }
  get hardState(): HardState {
    const hardState = { term: this.#term, incarnation: this.#incarnation }
    return this.#votedFor === undefined ? hardState : { ...hardState, votedFor: this.#votedFor }
  }

  /** Counts for majorities, by its own newest configuration. */
  get isVoter(): boolean {
    return this.#isVoterIn(this.log.configuration)
  }

  /**
   * May stand for election. Who is out by a configuration that is not known to be committed still may: its longer log may be needed
   * to have that committed at all (dissertation 4.2.2). After a restart less is known to be committed than is, so that whoever was a
   * voter by any configuration since may be the one.
   */
  get mayStand(): boolean {
    return this.log.configurationsSince(this.#commitIndex).some((configuration) => this.#isVoterIn(configuration))
  }

  /** Moves to a term, and writes it down with the vote in it. */
  enter(term: number, votedFor: PeerId | undefined): void {
    if (term !== this.#term) this.leader = undefined
    this.#term = term
    this.#votedFor = votedFor
    this.saving.save({ hardState: this.hardState }, this.log.lastIndex)
  }

  /** A leader's next entry, in memory; it goes to the disk with all that follow it in this turn. */
  append(content: EntryContent, atMs: number): Entry {
    const entry: Entry = { index: this.log.lastIndex + 1, term: this.#term, atMs, ...content }
    this.log.append([entry])
    this.saving.hold(entry)
    return entry
  }

  /** Entries that replace what stands in the log from the first one's index on. */
  accept(entries: readonly Entry[]): void {
    const first = entries[0]!.index
    if (first <= this.log.lastIndex) this.log.truncate(first)
    this.log.append(entries)
    this.saving.save({ entries }, this.log.lastIndex)
  }

  /** All up to `index` is committed. It never takes back. */
  commit(index: number): void {
    if (index <= this.#commitIndex) return
    this.#commitIndex = index
    this.applyMore()
    this.#dependencies.onCommitted()
  }

  /** Applies what is committed, some entries at a time. */
  applyMore(): void {
    if (this.#isRestoring || this.#isApplying) return
    this.#isApplying = true
    let left = this.options.applyCountMax
    while (this.machine.appliedIndex < this.#commitIndex && left-- > 0) {
      const entry = this.log.at(this.machine.appliedIndex + 1)!
      this.#dependencies.onApplied(entry, this.machine.apply(entry))
    }
    this.#isApplying = false
    if (this.machine.appliedIndex < this.#commitIndex) this.#dependencies.onMoreToApply()
  }

  /** Everything that is committed is applied, and nothing is being restored. */
  get isCurrent(): boolean {
    return !this.#isRestoring && this.machine.appliedIndex >= this.#commitIndex
  }
  get isRestoring(): boolean {
    return this.#isRestoring
  }
  /** While the machine is being restored, nothing is applied. */
  setRestoring(isRestoring: boolean): void {
    this.#isRestoring = isRestoring
    if (!isRestoring) this.applyMore()
  }

  /** A snapshot of this replica's own making is whole: the log behind it can go. */
  compact(snapshot: SnapshotMeta): void {
    this.#snapshot = snapshot
    this.log.compact(snapshot.index, this.options.keepWeight)
    this.saving.save({ snapshot, discardThrough: snapshot.index }, this.log.lastIndex)
  }

  /**
   * A snapshot that the leader sent is whole: it replaces the log up to its index, and all of it where the log does not agree
   * with it (paper, figure 13, 6 and 7).
   */
  install(snapshot: SnapshotMeta): void {
    this.#snapshot = snapshot
    const agrees = this.log.termAt(snapshot.index) === snapshot.term
    if (agrees) this.log.compact(snapshot.index, 0)
    else {
      this.saving.cut(this.#commitIndex)
      this.log.reset(snapshot)
    }
    const discardThrough = agrees ? snapshot.index : Infinity
    this.saving.save({ snapshot, discardThrough }, this.log.lastIndex)
    this.#commitIndex = snapshot.index
    this.#dependencies.onCommitted()
  }

  send(to: PeerId, message: GroupMessage): void {
    this.env.send(to, message)
  }

  sendAck(to: PeerId, ack: Ack): void {
    this.env.send(to, { type: 'acks', acks: [ack] })
  }

  #isVoterIn({ voters }: GroupConfiguration): boolean {
    return voters.some(({ peer, incarnation }) => peer === this.self && incarnation === this.#incarnation)
  }
}
