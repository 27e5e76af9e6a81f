import { asRoostError, type AskOptions } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import type { JobId } from './ids.ts'
import type { JobStore } from './stores.ts'
import type { BoardCommand, BoardReply, JobBoard } from './board.ts'

/** How long one word to the group may take: a takeover among its members fits in. */
export const BOARD_ASK_MS = 15_000

export interface BoardAsker {
  execute(command: BoardCommand, options: AskOptions): Promise<BoardReply>
}

/**
 * The logs of a home's jobs as who holds its board writes them: an append has resolved when most members have it on their disks. Read from
 * the replica at hand, which has whatever its own holder was told is there.
 */
export class BoardStore implements JobStore {
  readonly #board: JobBoard
  readonly #asker: BoardAsker
  readonly #epoch: number
  readonly #onSuperseded: () => void
  #serial = 0

  constructor(board: JobBoard, asker: BoardAsker, holding: { epoch: number; onSuperseded: () => void }) {
    this.#board = board
    this.#asker = asker
    this.#epoch = holding.epoch
    this.#onSuperseded = holding.onSuperseded
  }

  async append(jobId: JobId, events: readonly JobEvent[]): Promise<void> {
    await this.#execute({ type: 'append', epoch: this.#epoch, serial: ++this.#serial, jobId, events })
  }

  async read(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]> {
    return this.#board.log(jobId, fromNumber)
  }

  async list(): Promise<readonly JobId[]> {
    return this.#board.jobs()
  }

  async remove(jobId: JobId): Promise<void> {
    await this.#execute({ type: 'remove', epoch: this.#epoch, jobId })
  }

  async #execute(command: BoardCommand): Promise<void> {
    try {
      await this.#asker.execute(command, { timeoutMs: BOARD_ASK_MS })
    } catch (thrown) {
      if (asRoostError(thrown).code === 'CONTROLLER_SUPERSEDED') this.#onSuperseded()
      throw thrown
    }
  }
}
