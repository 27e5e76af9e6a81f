import type { AbortSignalLike, PeerId } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import type { LiveReply } from '../live/index.ts'

export interface SearchOptions {
  /** Nodes asked at once. */
  readonly parallelCount: number
  /** How long a node may take before another is asked beside it, and before it counts as silent. */
  readonly slowMs: number
  readonly silentMs: number
  /** Nodes asked for one ranked query: the best of these, drawn at random, stand for the best of all. */
  readonly rankedCountMax: number
}

export const SEARCH_DEFAULTS: SearchOptions = { parallelCount: 32, slowMs: 300, silentMs: 2_000, rankedCountMax: 512 }

export interface SearchDependencies {
  /** Asks one node; rejects where it does not answer. */
  readonly ask: (peer: PeerId, options: { timeoutMs: number; signal: AbortSignalLike }) => Promise<LiveReply>
  readonly sleep: (delayMs: number) => Promise<void>
  readonly nowMs: () => number
}

export interface Found {
  readonly peer: PeerId
  readonly reply: LiveReply & { readonly type: 'match' }
}

export interface SearchResult {
  readonly found: readonly Found[]
  /** Asked, and not what was wanted; and asked in vain. Who was not asked stands in neither. */
  readonly unfit: readonly PeerId[]
  readonly silent: readonly PeerId[]
}

/**
 * Asks candidates in their order, several at once, until enough match, nobody is left, or the time is over. No more are
 * asked than are still wanted: a query for one node does not wake thirty. One that is slow is not waited for alone,
 * another is asked beside it; who answers first counts.
 */
export class Search {
  readonly #dependencies: SearchDependencies
  readonly #options: SearchOptions
  readonly #candidates: readonly PeerId[]
  readonly #wantedCount: number
  readonly #deadlineMs: number
  readonly #signal: Abort
  readonly #found: Found[] = []
  readonly #unfit: PeerId[] = []
  readonly #silent: PeerId[] = []
  #nextIndex = 0
  #waitingCount = 0
  #slowCount = 0
  #isOver = false
  #finish: () => void = () => {}

  constructor(
    dependencies: SearchDependencies,
    options: SearchOptions & { candidates: readonly PeerId[]; wantedCount: number; deadlineMs: number },
  ) {
    this.#dependencies = dependencies
    this.#options = options
    this.#candidates = options.candidates
    this.#wantedCount = options.wantedCount
    this.#deadlineMs = options.deadlineMs
    this.#signal = new Abort()
  }

  /** Rejects with `CANCELLED` where `signal` says so; otherwise what was found stands. */
  async run(signal?: AbortSignalLike): Promise<SearchResult> {
    const over = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    const cancel = (): void => this.#end()
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) this.#end()
    this.#askMore()
    await over
    signal?.removeEventListener('abort', cancel)
    if (signal?.aborted) throw new RoostError('CANCELLED', 'the search was given up')
    return { found: [...this.#found], unfit: [...this.#unfit], silent: [...this.#silent] }
  }

  #askMore(): void {
    const leftMs = this.#deadlineMs - this.#dependencies.nowMs()
    while (!this.#isOver && leftMs > 0 && this.#nextIndex < this.#candidates.length && this.#mayAskOneMore())
      void this.#ask(this.#candidates[this.#nextIndex++]!, Math.min(leftMs, this.#options.silentMs))
    const isEnough = this.#found.length >= this.#wantedCount
    const nobodyIsLeft = leftMs <= 0 || this.#nextIndex >= this.#candidates.length
    if (isEnough || (this.#waitingCount === 0 && nobodyIsLeft)) this.#end()
  }

  #mayAskOneMore(): boolean {
    const { parallelCount } = this.#options
    const stillWanted = this.#wantedCount - this.#found.length
    return this.#waitingCount < parallelCount && this.#waitingCount - this.#slowCount < stillWanted
  }

  async #ask(peer: PeerId, timeoutMs: number): Promise<void> {
    this.#waitingCount++
    const progress = { isSlow: false, isAnswered: false }
    void this.#watchSlow(progress, timeoutMs)
    const reply = await this.#dependencies.ask(peer, { timeoutMs, signal: this.#signal }).catch(() => undefined)
    progress.isAnswered = true
    if (progress.isSlow) this.#slowCount--
    this.#waitingCount--
    if (this.#isOver) return
    if (reply === undefined) this.#silent.push(peer)
    else if (reply.type === 'match') this.#found.push({ peer, reply })
    else this.#unfit.push(peer)
    this.#askMore()
  }

  async #watchSlow(progress: { isSlow: boolean; readonly isAnswered: boolean }, timeoutMs: number): Promise<void> {
    if (timeoutMs <= this.#options.slowMs) return
    const isAwake = await this.#dependencies.sleep(this.#options.slowMs).then(
      () => true,
      () => false,
    )
    if (!isAwake || progress.isAnswered || this.#isOver) return
    progress.isSlow = true
    this.#slowCount++
    this.#askMore()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#finish()
    this.#signal.abort()
  }
}

/** The little of AbortController that is needed, for code that has none. */
class Abort implements AbortSignalLike {
  #isAborted = false
  readonly #listeners = new Set<() => void>()

  get aborted(): boolean {
    return this.#isAborted
  }

  abort(): void {
    this.#isAborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }
}
