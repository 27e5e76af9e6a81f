import { asRoostError } from '../error/index.ts'
import type { ReplicaCore } from './core.ts'
import type { GroupConfiguration } from './entry.ts'
import { weigh } from './plain.ts'
import type { SnapshotChunk } from './snapshot-chunks.ts'

/** Chunks that are being written at once: enough that they share syncs, little enough for memory. */
const WRITING_COUNT_MAX = 4

interface Taking {
  readonly id: string
  readonly index: number
  readonly term: number
  readonly configuration: GroupConfiguration
  readonly chunks: Iterator<SnapshotChunk, void>
  drawnCount: number
  writingCount: number
  weight: number
  isDrawn: boolean
}

/** Writes the state to the disk while the group goes on, so that the log behind it can be cut (paper 7, dissertation 5.1). */
export class SnapshotTaker {
  readonly #core: ReplicaCore
  #taking: Taking | undefined

  constructor(core: ReplicaCore) {
    this.#core = core
  }

  /** Begins to take one if it is time, and none is being taken. `isNeeded`: a follower is still being sent the last one. */
  maybeTake({ isNeeded }: { readonly isNeeded: boolean }): void {
    const { machine, log, snapshot, options, isRestoring } = this.#core
    if (this.#taking || isRestoring || machine.appliedIndex <= (snapshot?.index ?? 0)) return
    const { compactWeightMin, compactWeightMax, logWeightMax, keepWeight } = options
    const due = Math.min(Math.max(snapshot?.weight ?? 0, compactWeightMin), compactWeightMax)
    if (log.weight < (isNeeded ? logWeightMax : due + (snapshot ? keepWeight : 0))) return
    this.#begin()
  }

  /** Gives up the one that is being taken: another takes its place. */
  cancel(): void {
    this.#taking?.chunks.return?.()
    this.#taking = undefined
  }

  #begin(): void {
    const { machine, log, self, incarnation } = this.#core
    this.#core.staged = undefined
    const index = machine.appliedIndex
    const term = log.termAt(index)!
    this.#taking = {
      id: `${index}-${term}-${self}-${incarnation}`,
      index,
      term,
      configuration: log.configurationAt(index).configuration,
      chunks: machine.snapshot(),
      drawnCount: 0,
      writingCount: 0,
      weight: 0,
      isDrawn: false,
    }
    this.#draw(this.#taking)
  }

  #draw(taking: Taking): void {
    try {
      while (!taking.isDrawn && taking.writingCount < WRITING_COUNT_MAX) {
        const drawn = taking.chunks.next()
        if (drawn.done) taking.isDrawn = true
        else this.#write(taking, drawn.value)
      }
    } catch (thrown) {
      // The log grows until somebody mends the service; nothing is lost by it.
      this.cancel()
      const { group, env } = this.#core
      env.emit({ type: 'refused', group, peer: env.self, reason: `no snapshot: ${asRoostError(thrown).message}` })
    }
  }

  #write(taking: Taking, chunk: SnapshotChunk): void {
    const number = taking.drawnCount++
    taking.writingCount++
    taking.weight += weigh(chunk, Infinity)
    const { log, saving } = this.#core
    saving.save({ chunk: { snapshotId: taking.id, number, chunk: chunk as never } }, log.lastIndex, () => {
      if (this.#taking !== taking) return
      taking.writingCount--
      this.#draw(taking)
      if (taking.isDrawn && taking.writingCount === 0) this.#finish(taking)
    })
  }

  #finish({ id, index, term, configuration, drawnCount, weight }: Taking): void {
    this.#taking = undefined
    this.#core.compact({ id, index, term, configuration, chunkCount: drawnCount, weight })
  }
}
