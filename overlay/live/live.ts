import { scopeOf, type Attributes } from '../attributes/index.ts'
import { evaluate, isTrue, type Expression, type Value } from '../classad/index.ts'
import type { PeerId, Service, Surroundings } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { RateLimit } from '../sampling/index.ts'
import { ExpressionCache } from './expressions.ts'
import type { LiveReply, LiveRequest } from './messages.ts'

/** What a node is at this moment. No name stands in both. */
export interface LiveAttributes {
  readonly static: Attributes
  readonly dynamic: Attributes
}

export interface LiveDependencies {
  readonly surroundings: Surroundings
  /** Measures this node, now. */
  readonly measure: () => LiveAttributes
}

/** Questions of one peer: so many at once, then one each so many milliseconds; more is `BUSY`. An evaluation takes up to 10 ms. */
const QUESTION_BURST_COUNT = 200
const QUESTION_MS = 10

/**
 * The live part of the application directory: whoever looks for nodes asks the candidates themselves, so that an answer
 * is of now, and a node that does not answer is not one to send a job to. The node evaluates the question over what it is
 * and measures at this moment, and tells its attributes only where it matches.
 */
export class Live implements Service<LiveRequest, LiveReply> {
  readonly #surroundings: Surroundings
  readonly #measure: () => LiveAttributes
  readonly #expressions = new ExpressionCache()
  readonly #rateLimit = new RateLimit({ intervalMs: QUESTION_MS, burstCount: QUESTION_BURST_COUNT })

  constructor(dependencies: LiveDependencies) {
    this.#surroundings = dependencies.surroundings
    this.#measure = dependencies.measure
  }

  answer(from: PeerId, request: LiveRequest): LiveReply {
    if (from !== this.#surroundings.self && !this.#rateLimit.allows(from, this.#surroundings.nowMs))
      throw new RoostError('BUSY', 'too many questions from one node')
    const where = this.#expressions.parse(request.where)
    const rank = request.rank === undefined ? undefined : this.#expressions.parse(request.rank)
    const { static: attributes, dynamic } = this.#measure()
    const all = mergeAttributes(attributes, dynamic)
    if (!matches(where, all, this.#surroundings)) return { type: 'no-match' }
    return { type: 'match', attributes, dynamic, rank: rank === undefined ? 0 : rankOf(rank, all, this.#surroundings) }
  }
}

/** All that a node is. Static attributes are the node's signed word, and stand before dynamic ones of the same name. */
export function mergeAttributes(attributes: Attributes, dynamic: Attributes): Attributes {
  return { ...dynamic, ...attributes }
}

/** Whether a node with these attributes is what `where` asks for. `Cores`, `MY.Cores` and `TARGET.Cores` are the same. */
export function matches(where: Expression, attributes: Attributes, surroundings: Surroundings): boolean {
  return isTrue(evaluateOver(where, attributes, surroundings))
}

/** Its rank: 0 where that is not a finite number, as HTCondor has it. */
function rankOf(rank: Expression, attributes: Attributes, surroundings: Surroundings): number {
  const value = evaluateOver(rank, attributes, surroundings)
  const number = typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : 0
}

function evaluateOver(expression: Expression, attributes: Attributes, { wallMs, rng }: Surroundings): Value {
  const scope = scopeOf(attributes)
  return evaluate(expression, { my: scope, target: scope }, { wallMs, rng })
}
