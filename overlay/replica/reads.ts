/** Reads that wait for a leader to be confirmed; more are refused. */
export const READ_COUNT_MAX = 4_096

interface WaitingRead {
  /** The call that has to be answered by a majority. */
  readonly round: number
  /** What was committed when the read came. */
  readonly index: number
  readonly run: () => void
}

/**
 * Linearizable reads without a log entry (dissertation 6.4): the leader notes what is committed, makes sure with a call that began
 * after the read came that it still leads, waits until that much is applied, and answers from its state.
 */
export class ReadQueue {
  /** In the order of arrival, so of round and index. */
  readonly #waiting: WaitingRead[] = []

  get isFull(): boolean {
    return this.#waiting.length >= READ_COUNT_MAX
  }

  /** The newest call that somebody waits for; 0 where nobody waits. */
  get roundWanted(): number {
    return this.#waiting.at(-1)?.round ?? 0
  }

  add(read: WaitingRead): void {
    this.#waiting.push(read)
  }

  /** Runs those whose call was answered by a majority and whose index is applied. */
  run(confirmedRound: number, appliedIndex: number): void {
    while (this.isReady(this.#waiting[0], confirmedRound, appliedIndex)) this.#waiting.shift()!.run()
  }

  isReady(read: WaitingRead | undefined, confirmedRound: number, appliedIndex: number): boolean {
    return read !== undefined && read.round <= confirmedRound && read.index <= appliedIndex
  }
}
