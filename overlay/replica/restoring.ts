import { asRoostError, RoostError } from '../error/index.ts'
import type { ReplicaCore } from './core.ts'
import type { SnapshotMeta } from './entry.ts'

/** Brings the state machine to a snapshot on this replica's disk, one chunk at a time. A newer one takes its place. */
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
    const step = (number: number): void =>
      this.#core.storage.readChunk(snapshot.id, number, (outcome) => {
        if (this.#current !== snapshot) return
        if ('error' in outcome) return this.#end(outcome.error)
        try {
          restore.take(outcome.chunk)
        } catch (thrown) {
          return this.#end(asRoostError(thrown))
        }
        if (number + 1 < snapshot.chunkCount) return step(number + 1)
        restore.finish()
        this.#current = undefined
        this.#core.setRestoring(false)
      })
    // A snapshot that was received just now is the disk's when all that was written is.
    this.#core.saving.whenSaved(() => {
      if (this.#current === snapshot) step(0)
    })
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
