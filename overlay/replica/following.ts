import type { PeerId } from '../env/index.ts'
import type { ReplicaCore } from './core.ts'
import { isSamePlace, type Entry } from './entry.ts'
import type { Ack, Beat, MessageTo } from './messages.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'

/**
 * What a follower does for one leader in one term (paper 5.3, 7). It tells two things apart: how far its log matches the leader's
 * (`verified`), and how much of that is on its disk (`match`). Only the second is ever counted.
 */
export class Following {
  readonly #core: ReplicaCore
  readonly #leader: PeerId
  readonly #receiver: SnapshotReceiver
  /** What is committed matches every later leader's log (leader completeness, 5.4.3). */
  #verified: number
  #round = 0
  #matchTold = -1

  constructor(core: ReplicaCore, leader: PeerId, receiver: SnapshotReceiver) {
    this.#core = core
    this.#leader = leader
    this.#receiver = receiver
    this.#verified = core.commitIndex
  }

  receiveAppend(message: MessageTo<'append'>): void {
    const { prevIndex, prevTerm, entries, commit, round } = message
    this.#round = Math.max(this.#round, round)
    if (entries.length > 0 && this.#core.saving.isFull) return
    if (!areConsecutive(prevIndex, entries)) return this.#refuse('sent entries that do not follow each other')
    if (!this.#matches(prevIndex, prevTerm)) return this.#sendMismatch(message)
    if (this.#take(entries) === 'refused')
      return this.#refuse('would cut what it had sent before, or what is committed')
    this.#verified = Math.max(this.#verified, prevIndex + entries.length)
    this.#core.commit(Math.min(commit, this.#verified))
    // What was written now is acknowledged when it is on the disk.
    if (this.#match === this.#verified) this.#sendAck()
  }

  receiveBeat({ round, commit }: Beat): Ack | undefined {
    this.#round = Math.max(this.#round, round)
    this.#core.commit(Math.min(commit, this.#verified))
    return this.#core.saving.isHardStateDurable ? this.#ack : undefined
  }

  receiveChunk(message: MessageTo<'chunk'>): void {
    const { snapshot, round } = message
    this.#round = Math.max(this.#round, round)
    if (snapshot.index <= this.#core.commitIndex) this.#sendChunkAck(snapshot.id, snapshot.chunkCount)
    else
      this.#receiver.receive(message, (next) => {
        this.#sendChunkAck(snapshot.id, next)
      })
  }

  /** More is on the disk. */
  onSaved(): void {
    if (this.#match > this.#matchTold) this.#sendAck()
  }

  /** A snapshot was installed, or more is committed. */
  onCommitted(): void {
    this.#verified = Math.max(this.#verified, this.#core.commitIndex)
  }

  get #match(): number {
    return Math.min(this.#verified, this.#core.saving.durableIndex)
  }

  get #ack(): Ack {
    const { group, term, incarnation } = this.#core
    return { group, term, round: this.#round, verified: this.#verified, match: this.#match, incarnation }
  }

  /** Not before the term is on the disk: an answer says that we are in it. */
  #sendAck(): void {
    if (!this.#core.saving.isHardStateDurable) return
    this.#matchTold = this.#match
    this.#core.sendAck(this.#leader, this.#ack)
  }

  /** Whether our log has the entry before those that were sent. What is before our base is committed, so it does. */
  #matches(index: number, term: number): boolean {
    const { log } = this.#core
    return index < log.baseIndex || log.termAt(index) === term
  }

  /** Takes the entries that are new, after cutting what contradicts them. */
  #take(entries: readonly Entry[]): 'taken' | 'refused' {
    const { log } = this.#core
    const start = entries.findIndex((entry) => {
      const ours = log.at(entry.index)
      return entry.index > log.baseIndex && !(ours && isSamePlace(ours, entry))
    })
    if (start === -1) return 'taken'
    if (entries[start]!.index <= this.#verified) return 'refused'
    this.#core.accept(entries.slice(start))
    return 'taken'
  }

  #sendMismatch({ prevIndex, prevTerm, round }: MessageTo<'append'>): void {
    const { log, group, term, incarnation } = this.#core
    const hintIndex = log.lastAtMost(Math.min(prevIndex - 1, log.lastIndex), prevTerm) ?? log.baseIndex
    const hintTerm = log.termAt(hintIndex) ?? 0
    this.#core.saving.whenSaved(() => {
      if (this.#core.term === term)
        this.#core.send(this.#leader, {
          type: 'mismatch',
          group,
          term,
          round,
          prevIndex,
          hintIndex,
          hintTerm,
          incarnation,
        })
    })
  }

  #sendChunkAck(snapshotId: string, next: number): void {
    const { group, term, incarnation, saving } = this.#core
    if (!saving.isHardStateDurable) return
    this.#core.send(this.#leader, { type: 'chunk-ack', group, term, snapshotId, next, incarnation })
    this.#sendAck()
  }

  #refuse(reason: string): void {
    this.#core.env.emit({ type: 'refused', group: this.#core.group, peer: this.#leader, reason })
  }
}

function areConsecutive(prevIndex: number, entries: readonly Entry[]): boolean {
  return entries.every((entry, position) => entry.index === prevIndex + 1 + position)
}
