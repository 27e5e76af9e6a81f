import type { Descriptor } from '../descriptor/index.ts'
import type { AbortSignalLike, CallOptions, PeerId } from '../env/index.ts'
import { asRoostError, RoostError } from '../error/index.ts'
import type { LiveReply } from '../live/index.ts'
import type { Plan } from '../placement/index.ts'
import { Abort } from './abort.ts'
import { boxText } from './box-text.ts'
import type { Explanation, Rejection, SearchEnd } from './nodes.ts'
import { OpenQuestions } from './open-questions.ts'
import type { CandidateSource, Seeking } from './source.ts'
import { Verdicts } from './verdicts.ts'

export interface SearchOptions {
  /** Nodes asked at once: so many at first, and with each answer one more, up to the other. */
  readonly parallelCount: number
  readonly parallelCountMax: number
  /** How long a node may take before another is asked beside it, and before it counts as silent. */
  readonly slowMs: number
  readonly silentMs: number
  /** Nodes asked for one ranked query: the best of these, drawn at random, stand for the best of all. */
  readonly rankedCountMax: number
}

export const SEARCH_DEFAULTS: SearchOptions = {
  parallelCount: 32,
  parallelCountMax: 256,
  slowMs: 300,
  silentMs: 2_000,
  rankedCountMax: 512,
}

/** What one search is for. */
export interface SearchAim {
  /** The query, as text and as planned. */
  readonly where: string
  readonly plan: Plan
  /** What ends it: so many nodes that match, or so many asked, whatever they say. */
  readonly goal: { readonly matches: number } | { readonly asked: number }
  /** In milliseconds of `nowMs`. */
  readonly deadlineMs: number
  readonly except: ReadonlySet<PeerId>
}

export interface SearchDependencies {
  readonly source: CandidateSource
  /** Asks one node what it is; rejects where it does not answer. */
  readonly ask: (candidate: Descriptor, limits: CallOptions) => Promise<LiveReply>
  readonly sleep: (delayMs: number) => Promise<void>
  readonly nowMs: () => number
  /** Told of each node that matches, the moment it has answered. What it throws ends the search. */
  readonly onMatch: (candidate: Descriptor, reply: Match) => void
  /** Told of each node that had time enough and did not answer. */
  readonly onSilent: (peer: PeerId) => void
}

export type Match = LiveReply & { readonly type: 'match' }

export interface SearchResult {
  readonly rejections: readonly Rejection[]
  readonly explanation: Explanation
}

/** Candidates that one search takes; what comes beyond them is left out, and the search is not complete. */
const CANDIDATE_COUNT_MAX = 1_000_000

/**
 * How many answers are taken to have matched before the first: with less, a few that do not match would have a whole grid asked for
 * more; with more, a query that few match takes more rounds.
 */
const PRIOR_COUNT = 8

/** The least that is slept: a rest of less would have to be slept again. */
const SLEEP_MS_MIN = 1

/**
 * Asks candidates as they come, several at once, until enough match, nobody is left, or the time is over. No more are
 * asked than are still wanted: a query for one node does not wake thirty. One that is slow is not waited for alone,
 * another is asked beside it; who answers first counts. Where candidates run short the source is asked for more, as many as are
 * missing by the share of answers that matched so far, while others are being asked.
 */
export class Search {
  readonly #dependencies: SearchDependencies
  readonly #aim: SearchAim
  readonly #options: SearchOptions
  readonly #startedMs: number
  readonly #seeking: Seeking
  readonly #abort = new Abort()
  readonly #over = Promise.withResolvers<void>()
  readonly #verdicts = new Verdicts()
  /** Each peer once, in the order in which they came; those before the index have been asked. */
  readonly #candidates: Descriptor[] = []
  readonly #given = new Set<PeerId>()
  #nextIndex = 0
  readonly #open: OpenQuestions
  #isSeeking = false
  /** The source gave nothing new, or more than can be taken. */
  #isDry = false
  #isCut = false
  #explanation: Explanation | undefined
  #failure: unknown

  constructor(dependencies: SearchDependencies, aim: SearchAim, options: SearchOptions) {
    this.#dependencies = dependencies
    this.#aim = aim
    this.#options = options
    this.#open = new OpenQuestions(options)
    this.#startedMs = dependencies.nowMs()
    this.#seeking = dependencies.source.seek(aim.plan, {
      where: aim.where,
      wantedCount: this.#goalCount,
      deadlineMs: aim.deadlineMs,
      signal: this.#abort,
      except: aim.except,
      onFound: (descriptors) => this.#take(descriptors),
      onRuledOut: (peers) => {
        if (!this.#isOver) this.#verdicts.ruleOut(peers)
      },
    })
  }

  /** Rejects with `CANCELLED` where `signal` says so or the node stops, and with what `onMatch` threw. */
  async run(signal?: AbortSignalLike): Promise<SearchResult> {
    const cancel = (): void => this.#end('cancelled')
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) cancel()
    this.#advance()
    void this.#watchTime()
    await this.#over.promise
    signal?.removeEventListener('abort', cancel)
    if (this.#failure !== undefined) throw this.#failure
    const explanation = this.#explanation!
    if (explanation.reason === 'cancelled')
      throw new RoostError('CANCELLED', 'the search was given up', { data: { explanation } })
    return { rejections: this.#verdicts.rejections, explanation }
  }

  get #isOver(): boolean {
    return this.#explanation !== undefined
  }

  get #goalCount(): number {
    const { goal } = this.#aim
    return 'matches' in goal ? goal.matches : goal.asked
  }

  get #doneCount(): number {
    const { confirmedCount, doneCount } = this.#verdicts
    return 'matches' in this.#aim.goal ? confirmedCount : doneCount
  }

  get #queuedCount(): number {
    return this.#candidates.length - this.#nextIndex
  }

  #advance(): void {
    if (this.#isOver) return
    if (this.#doneCount >= this.#goalCount) return this.#end('enough')
    if (this.#dependencies.nowMs() >= this.#aim.deadlineMs) return this.#end('deadline')
    while (this.#queuedCount > 0 && this.#mayAskOneMore()) void this.#ask(this.#candidates[this.#nextIndex++]!)
    if (this.#mayFindMore()) void this.#seekMore()
    if (this.#queuedCount === 0 && this.#open.count === 0 && !this.#isSeeking) this.#end('nobody-left')
  }

  #mayAskOneMore(): boolean {
    const { parallelCount, parallelCountMax } = this.#options
    const atOnceCount = Math.min(parallelCountMax, parallelCount + this.#verdicts.answeredCount)
    const stillWanted = this.#goalCount - this.#doneCount
    return this.#open.count < atOnceCount && this.#open.promptCount < stillWanted
  }

  /** Answers that are missing even if all who are asked or about to be asked do what is hoped for. */
  get #missingCount(): number {
    return this.#goalCount - this.#doneCount - this.#queuedCount - this.#open.promptCount
  }

  #mayFindMore(): boolean {
    return !this.#isSeeking && !this.#isDry && !this.#isCut && !this.#seeking.isExhausted && this.#missingCount > 0
  }

  async #seekMore(): Promise<void> {
    this.#isSeeking = true
    const before = this.#given.size
    // A source that fails has no more to give; what it gave stands.
    await this.#seeking.more(Math.ceil(this.#missingCount / this.#hopedShare())).catch(() => {})
    this.#isSeeking = false
    this.#isDry = this.#given.size === before
    this.#advance()
  }

  /** The share of those asked that will count. */
  #hopedShare(): number {
    if ('asked' in this.#aim.goal) return 1
    const { confirmedCount, doneCount } = this.#verdicts
    return (confirmedCount + PRIOR_COUNT) / (doneCount + PRIOR_COUNT)
  }

  #take(descriptors: readonly Descriptor[]): void {
    if (this.#isOver) return
    for (const candidate of descriptors) {
      if (this.#given.has(candidate.peer) || this.#aim.except.has(candidate.peer)) continue
      this.#isCut = this.#given.size >= CANDIDATE_COUNT_MAX
      if (this.#isCut) break
      this.#given.add(candidate.peer)
      this.#candidates.push(candidate)
    }
    this.#advance()
  }

  async #ask(candidate: Descriptor): Promise<void> {
    const { ask, nowMs } = this.#dependencies
    const question = this.#open.add(candidate.peer, nowMs())
    const limits = { timeoutMs: this.#options.silentMs, signal: this.#abort }
    const answer = await ask(candidate, limits).catch(asRoostError)
    this.#open.close(question)
    if (this.#isOver) return
    if (!(answer instanceof RoostError)) this.#note(candidate, answer)
    // Whatever it failed with: a peer can answer with any error.
    else this.#giveUp(candidate.peer)
    this.#advance()
  }

  #note(candidate: Descriptor, reply: LiveReply): void {
    if (reply.type === 'no-match') return this.#verdicts.unfit(candidate.peer)
    this.#verdicts.confirm()
    try {
      this.#dependencies.onMatch(candidate, reply)
    } catch (thrown) {
      this.#failure = thrown
      this.#end('cancelled')
    }
  }

  #giveUp(peer: PeerId): void {
    this.#verdicts.silent(peer)
    this.#dependencies.onSilent(peer)
  }

  /** Wakes at the deadline and when a node becomes slow, and now and then, so that nothing lingers when the search is over. */
  async #watchTime(): Promise<void> {
    const { nowMs, sleep } = this.#dependencies
    while (!this.#isOver) {
      const restMs = Math.min(this.#aim.deadlineMs - nowMs(), this.#open.untilSlowMs(nowMs()))
      const isAwake = await sleep(Math.max(restMs, SLEEP_MS_MIN)).then(
        () => true,
        () => false,
      )
      if (!isAwake) return this.#end('cancelled')
      this.#open.markSlow(nowMs())
      this.#advance()
    }
  }

  #end(reason: SearchEnd): void {
    if (this.#isOver) return
    if (reason === 'deadline')
      for (const { peer, isSlow } of this.#open.all()) {
        if (isSlow) this.#giveUp(peer)
        else this.#verdicts.silent(peer)
      }
    this.#explanation = this.#explain(reason)
    this.#over.resolve()
    this.#abort.abort()
  }

  #explain(reason: SearchEnd): Explanation {
    const { confirmedCount, unfitCount, silentCount, ruledOutCount } = this.#verdicts
    const { isExhausted, trail } = this.#seeking
    const isAllGiven = isExhausted && !this.#isSeeking && !this.#isCut
    return {
      boxes: this.#aim.plan.boxes.map(boxText),
      ...trail,
      consideredCount: ruledOutCount + this.#given.size,
      ruledOutCount,
      askedCount: this.#nextIndex,
      confirmedCount,
      unfitCount,
      silentCount,
      elapsedMs: this.#dependencies.nowMs() - this.#startedMs,
      complete: isAllGiven && trail.failedCount === 0 && this.#queuedCount === 0 && this.#open.count === 0,
      reason,
    }
  }
}
