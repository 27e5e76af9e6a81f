import type { Candidate, FindResult } from '../../overlay/discovery/index.ts'
import { shuffle } from '../../overlay/env/index.ts'
import { asRoostError, type RoostError } from '../../overlay/error/index.ts'
import { mean, quantile } from '../metrics/index.ts'
import { type Question, WANT_ALL } from '../queries/index.ts'
import { CYCLE_MS } from './cycles.ts'
import type { DiscoveryGrid } from './grid.ts'
import type { Stage } from './scenario.ts'

/** A node that has been up for so long is one that everybody may be expected to find. */
const SETTLED_MS = 2 * CYCLE_MS
const ASKERS_DRAWN = 8
/** How long a question may take. */
export const FIND_MS_MAX = 10_000

/** What came of one question. */
export interface Outcome {
  readonly question: Question
  /** In which cycle it was asked, from 1. */
  readonly cycle: number
  readonly tookMs: number
  /** Nodes asked for descriptors, and how many steps that took one after another. */
  readonly contactCount: number
  readonly roundTripCount: number
  /** Answers that are right; and those that do not match, were down, or came twice. */
  readonly rightCount: number
  readonly wrongCount: number
  /** Matching nodes that were up when the answer was there, and of them those that had been up long enough to be known. */
  readonly liveCount: number
  readonly liveRightCount: number
  readonly settledCount: number
  readonly settledRightCount: number
}

/**
 * Asks a grid questions from nodes drawn at random among those that have settled, and judges the answers by what the nodes are in truth. The truth is worked out
 * beside the protocols, over the attributes of all nodes.
 */
export class Questions {
  readonly outcomes: Outcome[] = []
  /** Askers that crashed before they had an answer. */
  lostCount = 0
  readonly #stage: Stage
  readonly #grid: DiscoveryGrid
  readonly #truths = new Map<Question, Truth>()
  #openCount = 0
  #failure: RoostError | undefined

  constructor(stage: Stage, grid: DiscoveryGrid) {
    this.#stage = stage
    this.#grid = grid
  }

  /**
   * Has all questions that the stage sets asked, evenly over `cycles` cycles. The call for each cycle, from 1, starts its share.
   */
  planFor(cycles: number): (cycle: number) => void {
    const { questions = [] } = this.#stage.settings
    const all = shuffle([...questions], this.#stage.simulation.chance)
    return (cycle) => {
      const [first, end] = [cycle - 1, cycle].map((bound) => Math.round((bound * all.length) / cycles))
      for (const question of all.slice(first, end)) this.ask(question, cycle)
    }
  }

  /** Asks one question at some moment of the cycle that begins now. */
  ask(question: Question, cycle: number): void {
    const { simulation } = this.#stage
    this.#openCount++
    simulation.act(simulation.chance.real() * CYCLE_MS, () => {
      const asker = this.#drawAsker()
      if (asker === undefined) this.#lose()
      else this.#askAt(asker, question, cycle)
    })
  }

  /** Somebody who has been up long enough to know others, as far as such are easily found. */
  #drawAsker(): number | undefined {
    const bornMs = this.#stage.simulation.nowMs - SETTLED_MS
    const drawn = this.#grid.draw(ASKERS_DRAWN)
    return drawn.find((index) => this.#grid.sinceMs(index) <= bornMs) ?? drawn[0]
  }

  /** Lets time pass until every question has its answer, or its asker is gone. */
  async finish(): Promise<void> {
    await this.#stage.simulation.until(() => this.#openCount === 0, 2 * FIND_MS_MAX)
    this.lostCount += this.#openCount
    this.demandSound()
  }

  /** That no answer so far was wrong, and that no node failed at a question. */
  demandSound(): void {
    const { simulation } = this.#stage
    const failure = this.#failure
    simulation.demand('a node that is asked answers', failure === undefined, `${failure?.message} (${failure?.code})`)
    const wrong = this.outcomes.find(({ wrongCount }) => wrongCount > 0)
    const words = `${wrong?.wrongCount} wrong answers to ${wrong?.question.where}`
    simulation.demand('who is found matches and lives', wrong === undefined, words)
  }

  #askAt(asker: number, question: Question, cycle: number): void {
    const startedMs = this.#stage.simulation.nowMs
    const aliveMs = this.#grid.sinceMs(asker)
    this.#grid
      .discoveryAt(asker)
      .find({ where: question.where, count: question.count }, { timeoutMs: FIND_MS_MAX })
      .then(
        (result) => {
          this.outcomes.push(this.#judge(result, question, { cycle, startedMs }))
          this.#openCount--
        },
        (thrown: unknown) => {
          // Whoever is gone has nothing to answer for; what fails on a node that is there is a mistake.
          if (this.#grid.isUp(asker) && this.#grid.sinceMs(asker) === aliveMs) this.#failure ??= asRoostError(thrown)
          this.#lose()
        },
      )
  }

  #lose(): void {
    this.lostCount++
    this.#openCount--
  }

  #judge(
    { candidates, explanation }: FindResult,
    question: Question,
    { cycle, startedMs }: { readonly cycle: number; readonly startedMs: number },
  ): Outcome {
    const grid = this.#grid
    const right = new Set<number>()
    let wrongCount = 0
    for (const candidate of candidates) {
      const index = this.#rightIndex(candidate, question, startedMs)
      if (index === undefined || right.has(index)) wrongCount++
      else right.add(index)
    }
    let [liveCount, liveRightCount, settledCount, settledRightCount] = [0, 0, 0, 0]
    for (const index of this.#matching(question)) {
      if (!grid.isUp(index)) continue
      liveCount++
      if (right.has(index)) liveRightCount++
      if (grid.sinceMs(index) > startedMs - SETTLED_MS) continue
      settledCount++
      if (right.has(index)) settledRightCount++
    }
    return {
      question,
      cycle,
      tookMs: this.#stage.simulation.nowMs - startedMs,
      contactCount: explanation.contactCount,
      roundTripCount: explanation.roundTripCount,
      rightCount: right.size,
      wrongCount,
      liveCount,
      liveRightCount,
      settledCount,
      settledRightCount,
    }
  }

  /** Its number, where it is a node that matches and that was up at some time since the question was asked. */
  #rightIndex({ id }: Candidate, question: Question, startedMs: number): number | undefined {
    const index = this.#grid.indexOf(id)
    if (index < 0 || !question.isMatch(this.#grid.attributesAt(index))) return undefined
    return this.#grid.isUp(index) || this.#grid.sinceMs(index) >= startedMs ? index : undefined
  }

  /** All nodes that match, whether they are up or not. A node's attributes stay, so that each is looked at once. */
  #matching(question: Question): readonly number[] {
    let truth = this.#truths.get(question)
    if (truth === undefined) this.#truths.set(question, (truth = { seenCount: 0, indices: [] }))
    for (; truth.seenCount < this.#grid.nodesCount; truth.seenCount++)
      if (question.isMatch(this.#grid.attributesAt(truth.seenCount))) truth.indices.push(truth.seenCount)
    return truth.indices
  }
}

interface Truth {
  seenCount: number
  readonly indices: number[]
}

/** Whether a question got as many as it wanted, or all that had been up long enough to be known. */
export function isSatisfied({ question, rightCount, settledCount, settledRightCount }: Outcome): boolean {
  return rightCount >= question.count || settledRightCount === settledCount
}

/** The figures of questions: what they cost, and how good the answers were. */
export function judged(outcomes: readonly Outcome[]): {
  readonly queries: number
  readonly contacts: { readonly mean: number; readonly p50: number; readonly p99: number }
  readonly roundTrips: { readonly p50: number; readonly p99: number }
  readonly findMs: { readonly p50: number; readonly p99: number }
  readonly recall: number | null
  readonly recallSettled: number | null
  readonly satisfied: number | null
  readonly wrong: number
} {
  const contacts = outcomes.map(({ contactCount }) => contactCount)
  const roundTrips = outcomes.map(({ roundTripCount }) => roundTripCount)
  const tookMs = outcomes.map((outcome) => outcome.tookMs)
  const forAll = outcomes.filter(({ question }) => question.count >= WANT_ALL)
  return {
    queries: outcomes.length,
    contacts: { mean: mean(contacts), p50: quantile(contacts, 0.5), p99: quantile(contacts, 0.99) },
    roundTrips: { p50: quantile(roundTrips, 0.5), p99: quantile(roundTrips, 0.99) },
    findMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
    recall: shareOf(forAll, 'liveRightCount', 'liveCount'),
    recallSettled: shareOf(forAll, 'settledRightCount', 'settledCount'),
    satisfied: outcomes.length === 0 ? null : mean(outcomes.map((outcome) => (isSatisfied(outcome) ? 1 : 0))),
    wrong: sum(outcomes, 'wrongCount'),
  }
}

type Count = 'liveRightCount' | 'liveCount' | 'settledRightCount' | 'settledCount' | 'wrongCount'

/** Of all that there were; null where nobody asked for all. */
function shareOf(outcomes: readonly Outcome[], part: Count, whole: Count): number | null {
  if (outcomes.length === 0) return null
  const total = sum(outcomes, whole)
  return total === 0 ? 1 : sum(outcomes, part) / total
}

function sum(outcomes: readonly Outcome[], field: Count): number {
  return outcomes.reduce((total, outcome) => total + outcome[field], 0)
}
