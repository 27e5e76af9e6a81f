import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId, Plain, Service, Surroundings } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { RateLimit } from '../sampling/index.ts'
import { answerLocally, touchedRegions } from './answering.ts'
import { PlanCache } from './plans.ts'
import { ALL_COUNT, ANSWER_CHARS_MAX, ANSWER_COUNT_MAX, type Answer, type Question } from './question.ts'
import type { Selection } from './selection.ts'

/** Questions of one peer: so many at once, then one each so many milliseconds; more is `BUSY`. Each costs up to some milliseconds. */
const QUESTION_BURST_COUNT = 100
const QUESTION_MS = 20
export const ANSWER_CONTEXT = 'selection-answer'

/** Answers questions of others from the tables of this node. What it says is signed, so that what it leaves out can be held against it. */
export class Answerer implements Service<Question, Answer> {
  readonly #selection: Selection
  readonly #surroundings: Surroundings
  readonly #plans: PlanCache
  readonly #rateLimit = new RateLimit({ intervalMs: QUESTION_MS, burstCount: QUESTION_BURST_COUNT })
  #answeredCount = 0

  constructor(dependencies: { selection: Selection; surroundings: Surroundings; plans: PlanCache }) {
    this.#selection = dependencies.selection
    this.#surroundings = dependencies.surroundings
    this.#plans = dependencies.plans
  }

  /** Questions answered so far. */
  get answeredCount(): number {
    return this.#answeredCount
  }

  answer(from: PeerId, question: Question): Answer {
    if (!this.#rateLimit.allows(from, this.#surroundings.nowMs))
      throw new RoostError('BUSY', 'too many questions from one node')
    const cell = this.#selection.cells.named(question)
    if (!cell?.isReady(this.#surroundings.nowMs)) return { type: 'not-ready' }
    this.#answeredCount++
    const plan = this.#plans.plan(question.where)
    this.#selection.notePopular(plan.askedNames)
    const { grouping } = cell
    const regions = touchedRegions(this.#selection.tableNamed(question.layout)?.layout, question.grouping, plan)
    const local = answerLocally(grouping, question, { plan, regions, isFirst: false }, this.#surroundings)
    const given = fitting(question.wanted > ALL_COUNT ? local.matches : this.#few(local.matches, question))
    const fields = { depth: grouping.depth, matchCount: local.matches.length, memberCount: local.memberCount }
    const signed = statementOf(question, { ...fields, descriptors: given })
    return {
      type: 'answer',
      ...fields,
      descriptors: given,
      referrals: local.referrals,
      signature: this.#surroundings.crypto.sign(ANSWER_CONTEXT, signed),
    }
  }

  /** For a few any will do: what is known of other cells saves asking these. In random order, so that nobody is always given. */
  #few(matches: readonly Descriptor[], { where, wanted, lacking }: Question): Descriptor[] {
    const { rng } = this.#surroundings
    const given = pickSome(matches, wanted, rng)
    if (given.length >= lacking) return given
    const plan = this.#plans.plan(where)
    const known = new Set(given.map(({ peer }) => peer))
    for (const descriptor of this.#selection.cells.held()) {
      if (given.length >= lacking) break
      if (!known.has(descriptor.peer) && plan.admits(descriptor, this.#surroundings)) given.push(descriptor)
    }
    return given
  }
}

/** Whether the asked node signed this answer to this question. */
export function isSignedAnswer(
  peer: PeerId,
  question: Question,
  answer: Answer & { readonly type: 'answer' },
  { crypto }: Surroundings,
): boolean {
  return crypto.verify(peer, ANSWER_CONTEXT, statementOf(question, answer), answer.signature)
}

/** What is signed of an answer. */
export function statementOf(
  question: Question,
  answer: Pick<Answer & { readonly type: 'answer' }, 'descriptors' | 'depth' | 'matchCount' | 'memberCount'>,
): Plain {
  const { depth, matchCount, memberCount, descriptors } = answer
  return {
    question: { ...question },
    depth,
    matchCount,
    memberCount,
    given: descriptors.map(({ peer, sequence }) => [peer, sequence]),
  }
}

function pickSome(descriptors: readonly Descriptor[], count: number, rng: Surroundings['rng']): Descriptor[] {
  if (descriptors.length <= count) return [...descriptors]
  const left = [...descriptors]
  return Array.from({ length: count }, () => {
    const index = rng.below(left.length)
    const picked = left[index]!
    left[index] = left.at(-1)!
    left.pop()
    return picked
  })
}

/** As many as an answer may hold. */
function fitting(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  let chars = 0
  let count = 0
  for (const descriptor of descriptors) {
    chars += charsOf(descriptor)
    if (chars > ANSWER_CHARS_MAX || count === ANSWER_COUNT_MAX) break
    count++
  }
  return count === descriptors.length ? descriptors : descriptors.slice(0, count)
}

/** About as long as its encoding: texts, and what names and numbers take. */
function charsOf({ name, addresses, attributes }: Descriptor): number {
  let chars = FRAME_CHARS + name.length
  for (const address of addresses) chars += address.length
  for (const key in attributes) {
    const value = attributes[key]!
    const texts = typeof value === 'object' ? value : typeof value === 'string' ? [value] : []
    chars += key.length + texts.reduce((sum, text) => sum + text.length + 2, 10)
  }
  return chars
}

/** Peer, numbers, signature and field names of a descriptor. */
const FRAME_CHARS = 240
