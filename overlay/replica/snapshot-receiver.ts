import type { ReplicaCore } from './core.ts'
import type { SnapshotMeta } from './entry.ts'
import type { MessageTo } from './messages.ts'
import { CHUNK_WINDOW } from './replication.ts'

interface Incoming {
  readonly snapshot: SnapshotMeta
  /** All chunks before this one are on the disk. */
  next: number
  /** Chunks beyond it that are, and those that are being written: never more than the window. */
  readonly ahead: Set<number>
  readonly writing: Set<number>
}

/**
 * Takes a snapshot from a leader, chunk by chunk, onto the disk: no more than a window of it is ever in memory, and a restart
 * goes on where the disk left off. Once it is whole it replaces the log, and the state machine is restored from it.
 */
export class SnapshotReceiver {
  readonly #core: ReplicaCore
  readonly #onBegin: () => void
  readonly #onInstalled: (snapshot: SnapshotMeta) => void
  #incoming: Incoming | undefined

  /** `onBegin`: the disk stages one snapshot at a time, and from now on that is this one. */
  constructor(
    core: ReplicaCore,
    { onBegin, onInstalled }: { readonly onBegin: () => void; readonly onInstalled: (snapshot: SnapshotMeta) => void },
  ) {
    this.#core = core
    this.#onBegin = onBegin
    this.#onInstalled = onInstalled
  }

  /** A snapshot is on its way that this replica still needs. */
  get isReceiving(): boolean {
    return this.#incoming !== undefined && this.#incoming.snapshot.index > this.#core.commitIndex
  }

  /** `acknowledge` is told how many chunks, from the first, are on the disk: now, and again when this one is. */
  receive({ snapshot, number, chunk }: MessageTo<'chunk'>, acknowledge: (next: number) => void): void {
    const incoming = this.#incomingOf(snapshot)
    const isWanted = number >= incoming.next && number < Math.min(incoming.next + CHUNK_WINDOW, snapshot.chunkCount)
    if (!isWanted || incoming.ahead.has(number)) return acknowledge(incoming.next)
    if (incoming.writing.has(number)) return
    incoming.writing.add(number)
    const { log, saving } = this.#core
    saving.save({ chunk: { snapshotId: snapshot.id, number, chunk } }, log.lastIndex, () => {
      if (this.#incoming !== incoming) return
      incoming.writing.delete(number)
      incoming.ahead.add(number)
      while (incoming.ahead.delete(incoming.next)) incoming.next++
      if (incoming.next === snapshot.chunkCount) this.#install(snapshot)
      acknowledge(incoming.next)
    })
  }

  #incomingOf(snapshot: SnapshotMeta): Incoming {
    if (this.#incoming?.snapshot.id !== snapshot.id) {
      const { staged } = this.#core
      this.#onBegin()
      this.#core.staged = undefined
      // The last chunk is asked for again even where all are there: with it the snapshot is installed.
      const next = Math.min(staged?.snapshotId === snapshot.id ? staged.chunkCount : 0, snapshot.chunkCount - 1)
      this.#incoming = { snapshot, next, ahead: new Set(), writing: new Set() }
    }
    return this.#incoming!
  }

  #install(snapshot: SnapshotMeta): void {
    this.#incoming = undefined
    if (snapshot.index <= this.#core.commitIndex) return
    this.#core.install(snapshot)
    this.#onInstalled(snapshot)
  }
}
