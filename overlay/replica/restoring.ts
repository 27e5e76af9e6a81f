import { asRoostError, RoostError } from '../error/index.ts'
import type { ReplicaCore } from './core.ts'
import type { SnapshotMeta } from './entry.ts'
import type { Given } from './service.ts'

/** Chunks that are read before it is their turn: a disk that takes long for each is not waited for each time. */
const READ_AHEAD_COUNT = 8

/** Brings the state machine to a snapshot on this replica's disk, a few chunks at a time. A newer one takes its place. */
export class Restoring {
  readonly #core: ReplicaCore
  readonly #onDamaged: (error: RoostError) => void
  #current: SnapshotMeta | undefined

  constructor(core: ReplicaCore, onDamaged: (error: RoostError) => void) {
    this.#core = core
    this.#onDamaged = onDamaged
  }

  begin(snapshot: SnapshotMeta): void {
    this.#current = snapshot
    this.#core.setRestoring(true)
    const restore = this.#core.machine.restore(snapshot.index)
    const ahead = new Map<number, Given>()
    let [askedCount, takenCount] = [0, 0]
    const ask = (): void => {
      const end = Math.min(takenCount + READ_AHEAD_COUNT, snapshot.chunkCount)
      while (askedCount < end && this.#current === snapshot) read(askedCount++)
    }
    const read = (number: number): void =>
      this.#core.storage.readChunk(snapshot.id, number, (outcome) => {
        if (this.#current !== snapshot) return
        if ('error' in outcome) return this.#end(outcome.error)
        ahead.set(number, outcome.chunk)
        take()
      })
    const take = (): void => {
      try {
        for (let chunk = ahead.get(takenCount); chunk !== undefined; chunk = ahead.get(takenCount)) {
          restore.take(chunk)
          ahead.delete(takenCount++)
        }
      } catch (thrown) {
        return this.#end(asRoostError(thrown))
      }
      if (takenCount < snapshot.chunkCount) return ask()
      restore.finish()
      this.#current = undefined
      this.#core.setRestoring(false)
    }
    // A snapshot that was received just now is the disk's when all that was written is.
    this.#core.saving.whenSaved(() => ask())
  }

  /** What is still being read is not wanted any more. */
  cancel(): void {
    this.#current = undefined
  }

  #end(cause: RoostError): void {
    this.#current = undefined
    this.#onDamaged(
      new RoostError('STORE_FAILED', `the snapshot of group ${this.#core.group} is damaged: ${cause.message}`, {
        cause,
      }),
    )
  }
}
