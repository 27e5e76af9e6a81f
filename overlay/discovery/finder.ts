import type { Descriptor } from '../descriptor/index.ts'
import { shuffle, type CallEnv, type CallOptions, type PeerId } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import {
  ExpressionCache,
  LIVE_EXPRESSION_CHARS_MAX,
  mergeAttributes,
  type Live,
  type LiveReply,
  type LiveRequest,
} from '../live/index.ts'
import type { FindOptions, FindResult, Query, Rejection } from './nodes.ts'
import { Plan } from './plan.ts'
import { Search, SEARCH_DEFAULTS, type SearchOptions, type SearchResult } from './search.ts'

/** The most that one query may ask for. */
const WANTED_COUNT_MAX = 10_000

export interface FinderDependencies {
  /** Answers for this node, which is a candidate like any other, without the network. */
  readonly live: Live
  readonly callEnv: CallEnv<LiveRequest, LiveReply>
  /** Everyone who is known and not known to be gone, this node included. */
  readonly candidates: () => Iterable<Descriptor>
  readonly onSilent: (peer: PeerId) => void
}

/**
 * Finds nodes in two steps: those whose descriptors do not rule them out, in random order so that nobody is always first, are
 * asked what they are at this moment; who does not answer is not returned.
 */
export class Finder {
  readonly #dependencies: FinderDependencies
  readonly #options: SearchOptions
  readonly #expressions = new ExpressionCache()

  constructor(dependencies: FinderDependencies, options: Partial<SearchOptions> = {}) {
    this.#dependencies = dependencies
    this.#options = { ...SEARCH_DEFAULTS, ...options }
  }

  async find(query: Query, options: FindOptions): Promise<FindResult> {
    const plan = this.#readQuery(query)
    const { admitted, rejections } = this.#filter(plan, options.except)
    const { found, unfit, silent } = await this.#search(query, admitted, options)
    for (const id of unfit) rejections.push({ id, reason: 'dynamic' })
    for (const id of silent) {
      rejections.push({ id, reason: 'silent' })
      this.#dependencies.onSilent(id)
    }
    const candidates = found.map(({ peer, reply }) => ({
      id: peer,
      attributes: mergeAttributes(reply.attributes, reply.dynamic),
      rank: reply.rank,
    }))
    candidates.sort((one, other) => other.rank - one.rank)
    return { candidates: candidates.slice(0, query.count), rejections }
  }

  /** Refuses here what every node would refuse. */
  #readQuery({ where, rank, count }: Query): Plan {
    if (!Number.isInteger(count) || count < 1 || count > WANTED_COUNT_MAX)
      throw new RoostError('USAGE', `the number of nodes wanted must be from 1 to ${WANTED_COUNT_MAX}`)
    for (const expression of [where, rank ?? ''])
      if (expression.length > LIVE_EXPRESSION_CHARS_MAX)
        throw new RoostError('EXPRESSION_TOO_LARGE', `a query has at most ${LIVE_EXPRESSION_CHARS_MAX} characters`)
    if (rank !== undefined) this.#expressions.parse(rank)
    return new Plan(this.#expressions.parse(where))
  }

  #filter(plan: Plan, except: ReadonlySet<PeerId> | undefined): { admitted: PeerId[]; rejections: Rejection[] } {
    const rejections: Rejection[] = []
    const admitted: PeerId[] = []
    for (const descriptor of this.#dependencies.candidates()) {
      if (except?.has(descriptor.peer)) continue
      if (plan.admits(descriptor, this.#dependencies.callEnv)) admitted.push(descriptor.peer)
      else rejections.push({ id: descriptor.peer, reason: 'static' })
    }
    return { admitted: shuffle(admitted, this.#dependencies.callEnv.rng), rejections }
  }

  #search({ where, rank, count }: Query, admitted: PeerId[], options: FindOptions): Promise<SearchResult> {
    const { callEnv } = this.#dependencies
    const isRanked = rank !== undefined
    const request: LiveRequest = { where, ...(isRanked && { rank }) }
    // The best are known only when all have been asked; of very many, a sample has to do.
    const candidates = isRanked ? admitted.slice(0, Math.max(count, this.#options.rankedCountMax)) : admitted
    const search = new Search(
      {
        ask: (peer, limits) => this.#ask(peer, request, limits),
        sleep: (delayMs) => callEnv.sleep(delayMs),
        nowMs: () => callEnv.nowMs,
      },
      {
        ...this.#options,
        candidates,
        wantedCount: isRanked ? Math.max(count, candidates.length) : count,
        deadlineMs: callEnv.nowMs + options.timeoutMs,
      },
    )
    return search.run(options.signal)
  }

  async #ask(peer: PeerId, request: LiveRequest, limits: CallOptions): Promise<LiveReply> {
    const { callEnv, live } = this.#dependencies
    return peer === callEnv.self ? live.answer(peer, request) : callEnv.call(peer, request, limits)
  }
}
