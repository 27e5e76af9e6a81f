import type { Descriptor } from '../descriptor/index.ts'
import type { CallEnv, CallOptions, PeerId } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import {
  ExpressionCache,
  LIVE_EXPRESSION_CHARS_MAX,
  mergeAttributes,
  type Live,
  type LiveReply,
  type LiveRequest,
} from '../live/index.ts'
import { planQuery, type Plan } from '../placement/index.ts'
import { LocalSource } from './local-source.ts'
import type { Candidate, FindOptions, FindResult, Query } from './nodes.ts'
import { Search, SEARCH_DEFAULTS, type Match, type SearchOptions } from './search.ts'
import type { CandidateSource } from './source.ts'

/** The most that one query may ask for: more than any grid that was simulated has nodes. */
const WANTED_COUNT_MAX = 1_000_000

export interface FinderDependencies {
  /** Answers for this node, which is a candidate like any other, without the network. */
  readonly live: Live
  readonly callEnv: CallEnv<LiveRequest, LiveReply>
  readonly source: CandidateSource
  /** What is held of one node, which may be this one. */
  readonly descriptorOf: (peer: PeerId) => Descriptor | undefined
  /** Makes addresses known to whoever dials, before that peer is asked. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  readonly onSilent: (peer: PeerId) => void
  /** Told of each query: what is asked for often is worth being found easily. */
  readonly onAsked: (plan: Plan) => void
}

/**
 * Finds nodes in two steps: those whose descriptors do not rule them out, in random order so that nobody is always first, are
 * asked what they are at this moment, while others are still being looked for; who does not answer is not returned.
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
    const { callEnv, onSilent, onAsked } = this.#dependencies
    const { onCandidate = () => {}, among } = options
    if (among === undefined) onAsked(plan)
    const isRanked = query.rank !== undefined
    const candidates: Candidate[] = []
    const search = new Search(
      {
        source: this.#sourceFor(options),
        ask: this.#askFor(query),
        sleep: (delayMs) => callEnv.sleep(delayMs),
        nowMs: () => callEnv.nowMs,
        onMatch: (descriptor, reply) => {
          const candidate = candidateOf(descriptor, reply)
          candidates.push(candidate)
          if (!isRanked) onCandidate(candidate)
        },
        onSilent,
      },
      {
        where: query.where,
        plan,
        // The best are known only when all have been asked; of very many, a sample has to do.
        goal: isRanked ? { asked: Math.max(query.count, this.#options.rankedCountMax) } : { matches: query.count },
        deadlineMs: callEnv.nowMs + options.timeoutMs,
        except: options.except ?? new Set(),
      },
      this.#options,
    )
    const { rejections, explanation } = await search.run(options.signal)
    if (!isRanked) return { candidates, rejections, explanation }
    const best = candidates.sort((one, other) => other.rank - one.rank).slice(0, query.count)
    for (const candidate of best) onCandidate(candidate)
    return { candidates: best, rejections, explanation }
  }

  /** Refuses here what every node would refuse. */
  #readQuery({ where, rank, count }: Query): Plan {
    if (!Number.isInteger(count) || count < 1 || count > WANTED_COUNT_MAX)
      throw new RoostError('USAGE', `the number of nodes wanted must be from 1 to ${WANTED_COUNT_MAX}`)
    for (const expression of [where, rank ?? ''])
      if (expression.length > LIVE_EXPRESSION_CHARS_MAX)
        throw new RoostError('EXPRESSION_TOO_LARGE', `a query has at most ${LIVE_EXPRESSION_CHARS_MAX} characters`)
    if (rank !== undefined) this.#expressions.parse(rank)
    return planQuery(this.#expressions.parse(where))
  }

  #sourceFor({ among }: FindOptions): CandidateSource {
    const { source, descriptorOf, callEnv } = this.#dependencies
    if (among === undefined) return source
    const descriptors = [...among].map(descriptorOf).filter((descriptor) => descriptor !== undefined)
    return new LocalSource(descriptors, callEnv)
  }

  #askFor({ where, rank }: Query): (candidate: Descriptor, limits: CallOptions) => Promise<LiveReply> {
    const { callEnv, live, onAddress } = this.#dependencies
    const request: LiveRequest = { where, ...(rank !== undefined && { rank }) }
    return async ({ peer, addresses }, limits) => {
      if (peer === callEnv.self) return live.answer(peer, request)
      onAddress(peer, addresses)
      return callEnv.call(peer, request, limits)
    }
  }
}

function candidateOf({ peer, name }: Descriptor, { attributes, dynamic, rank }: Match): Candidate {
  return { id: peer, name, attributes: mergeAttributes(attributes, dynamic), rank }
}
