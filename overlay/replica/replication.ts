import type { PeerId } from '../env/index.ts'
import type { ReplicaCore } from './core.ts'
import type { AppendMessages } from './append-messages.ts'
import type { MessageTo } from './messages.ts'
import { Progress, type Transfer } from './progress.ts'

/** While so many messages are under way, one that is not full waits for more entries: a message costs more than an entry. */
const PARTIAL_WINDOW = 2
/** Chunks of a snapshot that are under way to one follower: at most two mebibytes of memory at either end. */
export const CHUNK_WINDOW = 8
/** A follower that gets no further is sent chunks again after this many heartbeats, twice as many the next time, and half when it does. */
const TRANSFER_PATIENCE_BEATS = 4
const TRANSFER_PATIENCE_MS_MAX = 60_000
/** Entries that are not answered for this many heartbeats are sent again. */
const LOST_BEATS = 3

/** Brings one follower's log to where the leader's is: entries, or a snapshot where they are gone (paper 5.3, 7). */
export class Replication {
  readonly peer: PeerId
  readonly progress: Progress
  readonly #core: ReplicaCore
  readonly #appends: AppendMessages
  #transferPatienceMs: number
  #isOver = false

  constructor(peer: PeerId, core: ReplicaCore, appends: AppendMessages) {
    this.peer = peer
    this.#core = core
    this.#appends = appends
    this.#transferPatienceMs = this.#transferPatienceMsMin
    this.progress = new Progress(core.log.lastIndex + 1, core.env.nowMs)
  }

  get #transferPatienceMsMin(): number {
    return TRANSFER_PATIENCE_BEATS * this.#core.options.heartbeatMs
  }

  /** The leader is none any more, or the follower no member: what is still read from the disk is not sent. */
  end(): void {
    this.#isOver = true
  }

  /** It is being sent a snapshot, and was heard of not long ago. */
  get isTransferring(): boolean {
    const { transfer, heardMs } = this.progress
    return transfer !== undefined && this.#core.env.nowMs - heardMs < TRANSFER_PATIENCE_MS_MAX
  }

  /** Sends what may be sent now. Who has been silent for long gets heartbeats alone, until it answers one. */
  advance(): void {
    const { progress } = this
    const { log, options, env } = this.#core
    if (env.nowMs - progress.heardMs > options.electionMsMax) return
    if (progress.transfer) return this.#sendChunks(progress.transfer)
    while (progress.underWayCount < (progress.isProbing ? 1 : options.windowCount)) {
      if (progress.next > log.lastIndex && !progress.isProbing) return
      const message = this.#appends.from(progress.next)
      if (message === undefined) return this.#beginTransfer()
      const lastIndex = message.prevIndex + message.entries.length
      if (lastIndex === log.lastIndex && progress.underWayCount >= PARTIAL_WINDOW) return
      this.#core.send(this.peer, message)
      progress.sent(lastIndex, env.nowMs)
    }
  }

  /** Once in a while: sends again what seems lost. */
  retry(): void {
    const { progress } = this
    const { nowMs } = this.#core.env
    if (progress.transfer) this.#retryTransfer(progress.transfer, nowMs)
    else if (progress.isLost(nowMs, LOST_BEATS * this.#core.options.heartbeatMs)) progress.probe(progress.verified + 1)
  }

  /** The logs do not match where we thought. What was verified in this term stays so: an old answer says nothing new. */
  receiveMismatch({ prevIndex, hintIndex, hintTerm }: MessageTo<'mismatch'>): void {
    const { progress } = this
    if (prevIndex <= progress.verified || progress.transfer) return
    const place = Math.min(hintIndex, prevIndex - 1)
    const mayMatch = this.#core.log.lastAtMost(place, hintTerm) ?? Math.min(place, this.#core.log.baseIndex - 1)
    progress.probe(Math.max(mayMatch, progress.verified) + 1)
  }

  receiveChunkAck({ snapshotId, next }: MessageTo<'chunk-ack'>): void {
    const { progress } = this
    const { transfer } = progress
    if (transfer?.snapshot.id !== snapshotId) return
    transfer.told = next
    if (next <= transfer.acknowledged) return
    this.#transferPatienceMs = Math.max(this.#transferPatienceMs / 2, this.#transferPatienceMsMin)
    transfer.acknowledged = Math.min(next, transfer.snapshot.chunkCount)
    transfer.next = Math.max(transfer.next, transfer.acknowledged)
    transfer.movedMs = this.#core.env.nowMs
    if (transfer.acknowledged < transfer.snapshot.chunkCount) return
    progress.transfer = undefined
    progress.probe(Math.max(transfer.snapshot.index, progress.verified) + 1)
  }

  #beginTransfer(): void {
    const { snapshot, env } = this.#core
    if (snapshot === undefined) return
    const transfer: Transfer = { snapshot, acknowledged: 0, told: 0, next: 0, movedMs: env.nowMs, reading: 0 }
    this.progress.transfer = transfer
    this.#sendChunks(transfer)
  }

  #sendChunks(transfer: Transfer): void {
    const { snapshot } = transfer
    const end = Math.min(transfer.acknowledged + CHUNK_WINDOW, snapshot.chunkCount)
    while (transfer.next < end && transfer.reading < CHUNK_WINDOW) {
      const number = transfer.next++
      transfer.reading++
      this.#core.storage.readChunk(snapshot.id, number, (outcome) => {
        transfer.reading--
        if (this.#isOver || this.progress.transfer !== transfer) return
        // Gone since a newer snapshot took its place, or damaged: whoever asks again finds out.
        if ('error' in outcome) this.progress.transfer = undefined
        else this.#sendChunk(transfer, number, outcome.chunk)
      })
    }
  }

  #sendChunk({ snapshot }: Transfer, number: number, chunk: MessageTo<'chunk'>['chunk']): void {
    const { group, term } = this.#core
    this.#core.send(this.peer, { type: 'chunk', group, term, round: this.#appends.round, snapshot, number, chunk })
  }

  #retryTransfer(transfer: Transfer, nowMs: number): void {
    if (nowMs - transfer.movedMs < this.#transferPatienceMs) return
    this.#transferPatienceMs = Math.min(2 * this.#transferPatienceMs, TRANSFER_PATIENCE_MS_MAX)
    if (transfer.snapshot.id !== this.#core.snapshot?.id) this.progress.transfer = undefined
    transfer.acknowledged = Math.min(transfer.acknowledged, transfer.told)
    transfer.next = transfer.acknowledged
    transfer.movedMs = nowMs
  }
}
