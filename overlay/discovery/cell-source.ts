import { DESCRIPTOR_LIFE_MS, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { shuffle, type CallEnv, type PeerId } from '../env/index.ts'
import { chooseGrouping, commonPrefix, prefixMatches, type Plan, type Regions } from '../placement/index.ts'
import {
  answerLocally,
  EVERYWHERE,
  isSignedAnswer,
  touchedRegions,
  type Answer,
  type CellGossip,
  type Grouping,
  type Question,
  type Referral,
  type Selection,
} from '../selection/index.ts'
import type { CandidateSource, Seeking, SeekOptions, Trail } from './source.ts'

export interface CellSourceDependencies {
  readonly selection: Selection
  readonly checker: DescriptorChecker
  readonly callEnv: CallEnv<Question, Answer>
  /** Makes addresses known to whoever dials, before that peer is asked. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  /** Told of each node that was asked and did not answer. */
  readonly onSilent: (peer: PeerId) => void
  /** Told of what a node said that is not so. */
  readonly onRefused: (peer: PeerId, reason: string) => void
}

/** Candidates from what this node holds, then from the other cells that the query touches, as long as more are wanted. */
export class CellSource implements CandidateSource {
  readonly #dependencies: CellSourceDependencies

  constructor(dependencies: CellSourceDependencies) {
    this.#dependencies = dependencies
  }

  seek(plan: Plan, options: SeekOptions): Seeking {
    return new CellSeeking(this.#dependencies, plan, options)
  }
}

/** A part of the grid that is still to be asked, and in which step of the search it was heard of. */
interface Errand extends Referral {
  readonly step: number
  /** How likely the first contact's own cell is touched: 2 wholly, 1 in part, 0 not at all. */
  readonly promise: number
}

/**
 * Asks one member of each cell that the query touches, several at once: as many as are likely to bring what is missing, judged by what this
 * node holds itself and by the answers so far. Each answer names contacts for what it does not cover. Cells come in random order, those
 * that lie in the query's box whole before those that it cuts, and contacts that only lead on after them.
 */
class CellSeeking implements Seeking {
  readonly #dependencies: CellSourceDependencies
  readonly #plan: Plan
  readonly #options: SeekOptions
  readonly #where: string
  #cell: CellGossip
  #regions: Regions | undefined
  #attributes: readonly string[] = []
  #errands: Errand[] = []
  readonly #given = new Set<PeerId>()
  /** What others gave: they may know of their neighbourhood what nobody here does. */
  readonly #found: Descriptor[] = []
  /** Held here, and not yet given. */
  #spare: Descriptor[] = []
  #hasBegun = false
  #target = 0
  #inFlightCount = 0
  #answeredCount = 0
  #broughtCount = 0
  /** New matches that an answer is expected to bring, before the first. */
  #priorYield = 1
  #share = 1
  #heldCount = 0
  #cellCount = 1
  #contactCount = 0
  #stepCount = 0
  #failedCount = 0
  #resume: () => void = () => {}

  constructor(dependencies: CellSourceDependencies, plan: Plan, options: SeekOptions) {
    this.#dependencies = dependencies
    this.#plan = plan
    this.#options = options
    this.#where = options.where
    this.#cell = dependencies.selection.cells.home
  }

  get isExhausted(): boolean {
    return this.#hasBegun && this.#spare.length === 0 && this.#errands.length === 0 && this.#inFlightCount === 0
  }

  get trail(): Trail {
    return {
      grouping: this.#attributes,
      cellCount: this.#cellCount,
      contactCount: this.#contactCount,
      roundTripCount: this.#stepCount,
      heldCount: this.#heldCount,
      failedCount: this.#failedCount,
      estimatedCells: Math.max(1, Math.round(this.#share * 2 ** this.#cell.grouping.depth)),
    }
  }

  async more(count: number): Promise<void> {
    this.#target = this.#given.size + count
    if (!this.#hasBegun) this.#begin()
    this.#giveSpare()
    this.#askOn(1)
    if (this.#isDone) return
    const isOver = new Promise<void>((resolve) => (this.#resume = resolve))
    const stop = (): void => this.#resume()
    this.#options.signal.addEventListener('abort', stop)
    await isOver
    this.#options.signal.removeEventListener('abort', stop)
  }

  get #isDone(): boolean {
    return this.#given.size >= this.#target || this.isExhausted || this.#options.signal.aborted
  }

  /** What this node holds, and the way to the rest. */
  #begin(): void {
    this.#hasBegun = true
    const { selection, callEnv } = this.#dependencies
    const ruledOut: PeerId[] = []
    for (const descriptor of selection.cells.held()) {
      if (this.#options.except.has(descriptor.peer)) continue
      this.#heldCount++
      if (this.#plan.admits(descriptor, callEnv)) this.#spare.push(descriptor)
      else ruledOut.push(descriptor.peer)
    }
    shuffle(this.#spare, callEnv.rng)
    if (ruledOut.length > 0) this.#options.onRuledOut(ruledOut)
    if (selection.isOneCell) return
    this.#chooseGrouping()
    const { grouping } = this.#cell
    this.#priorYield = this.#yieldOf((this.#spare.length + 0.5) / (this.#heldCount + 1), grouping)
    const region = { key: grouping.ownKey, ...EVERYWHERE }
    const query = { plan: this.#plan, regions: this.#regions!, isFirst: true }
    this.#add(answerLocally(grouping, region, query, callEnv).referrals, 1)
  }

  /** The grouping in which the query touches least. */
  #chooseGrouping(): void {
    const { selection, callEnv } = this.#dependencies
    const table = selection.queryTable(callEnv)
    if (table !== undefined) {
      const choice = chooseGrouping(table.layout, this.#plan.boxes, {
        depths: table.cells.map(({ grouping }) => grouping.depth),
        sampled: selection.sampled(),
      })
      if (choice !== undefined) {
        this.#cell = table.cells[choice.groupingIndex]!
        this.#regions = choice.regions
        this.#share = choice.share
        this.#attributes = table.layout.groupings[choice.groupingIndex]!
      }
    }
    this.#regions ??= touchedRegions(undefined, 0, this.#plan)
  }

  /** Matches are dense in the cells that are touched. What an answer has from elsewhere others have too, and is not counted on. */
  #yieldOf(matchShare: number, grouping: Grouping): number {
    return (matchShare * grouping.cell.count) / Math.max(this.#share, matchShare)
  }

  #giveSpare(): void {
    const count = Math.max(0, this.#target - this.#given.size)
    const descriptors = this.#spare.splice(0, count)
    for (const { peer } of descriptors) this.#given.add(peer)
    if (descriptors.length > 0) this.#options.onFound(descriptors)
  }

  #add(referrals: readonly Referral[], step: number): void {
    const { rng } = this.#dependencies.callEnv
    const errands = referrals.map((referral) => ({ ...referral, step, promise: this.#promiseOf(referral) }))
    this.#errands.push(...errands)
    shuffle(this.#errands, rng)
    this.#errands.sort((one, other) => one.promise - other.promise)
  }

  #promiseOf({ contacts }: Referral): number {
    const { grouping } = this.#cell
    const overlap = this.#regions!.overlaps(grouping.keyOf(contacts[0]!), grouping.depth)
    return overlap === 'all' ? 2 : overlap === 'some' ? 1 : 0
  }

  /** Sends out as many as are likely to bring what is missing; the further the search has gone, the more generously. */
  #askOn(step: number): void {
    const { signal } = this.#options
    const missing = this.#target - this.#given.size
    const expected = (2 * this.#priorYield + this.#broughtCount) / (2 + this.#answeredCount)
    const generosity = GENEROSITY[Math.min(step, GENEROSITY.length - 1)]!
    const wantedInFlight = Math.min(PARALLEL_COUNT_MAX, Math.ceil((missing * generosity) / Math.max(expected, 0.01)))
    while (missing > 0 && !signal.aborted && this.#errands.length > 0 && this.#inFlightCount < wantedInFlight) {
      const errand = this.#errands.pop()!
      void this.#run(errand, Math.max(step, errand.step))
    }
    if (this.#isDone) this.#resume()
  }

  async #run(errand: Errand, step: number): Promise<void> {
    this.#inFlightCount++
    let lastStep = step
    let answered = false
    const tried: Descriptor[] = []
    for (let contact = errand.contacts[0]; contact !== undefined; contact = this.#another(errand, tried)) {
      if (this.#options.signal.aborted) break
      tried.push(contact)
      const answer = await this.#ask(contact, errand, lastStep++)
      if (answer === undefined) continue
      answered = true
      this.#take(contact, errand, answer, lastStep)
      break
    }
    this.#inFlightCount--
    if (!answered) this.#failedCount++
    this.#askOn(lastStep)
  }

  /** Who else may speak for a region: its other contact, a match that was found there, or somebody nearer to it than this node. */
  #another({ key, depth, contacts }: Errand, tried: readonly Descriptor[]): Descriptor | undefined {
    if (tried.length >= TRIED_COUNT_MAX) return undefined
    const { grouping } = this.#cell
    const isNew = (one: Descriptor): boolean => !tried.some(({ peer }) => peer === one.peer)
    return (
      contacts.find(isNew) ??
      this.#found.find((one) => prefixMatches(grouping.keyOf(one), key, depth) && isNew(one)) ??
      grouping.nearer(key, TRIED_COUNT_MAX, this.#dependencies.callEnv.rng).find(isNew)
    )
  }

  async #ask(contact: Descriptor, { key, depth, skip }: Referral, step: number): Promise<AnswerOf | undefined> {
    const { callEnv, onAddress, onSilent, onRefused } = this.#dependencies
    const { peer, addresses } = contact
    const leftMs = this.#options.deadlineMs - callEnv.nowMs
    if (leftMs <= 0 || peer === callEnv.self) return undefined
    this.#contactCount++
    this.#stepCount = Math.max(this.#stepCount, step)
    onAddress(peer, addresses)
    const question: Question = {
      ...this.#cell.name,
      key,
      depth,
      skip,
      where: this.#where,
      wanted: Math.max(this.#target, this.#options.wantedCount),
      lacking: Math.max(0, this.#target - this.#given.size),
    }
    try {
      const limits = { timeoutMs: Math.min(leftMs, SILENT_MS), signal: this.#options.signal }
      const answer = await callEnv.call(peer, question, limits)
      if (answer.type !== 'answer') return undefined
      if (isSignedAnswer(peer, question, answer, callEnv)) return { question, answer }
      onRefused(peer, 'forged')
    } catch {
      if (!this.#options.signal.aborted) onSilent(peer)
    }
    return undefined
  }

  #take(contact: Descriptor, errand: Errand, answered: AnswerOf, nextStep: number): void {
    const { answer } = answered
    this.#answeredCount++
    if (answer.memberCount > 0) this.#cellCount++
    this.#broughtCount += Math.min(this.#give(contact.peer, answer.descriptors).length, answer.matchCount)
    this.#add(
      answer.referrals.filter(({ contacts }) => contacts.length > 0),
      nextStep,
    )
    const oneOf = answer.matchCount === 0 ? AUDIT_EMPTY_ONE_OF : AUDIT_ONE_OF
    if (this.#dependencies.callEnv.rng.below(oneOf) === 0) void this.#audit(contact, errand, answered)
  }

  /** Checked, each node once, and only what the query admits. */
  #give(from: PeerId, descriptors: readonly Descriptor[]): Descriptor[] {
    const { checker, callEnv, onRefused } = this.#dependencies
    const found: Descriptor[] = []
    for (const descriptor of descriptors) {
      if (this.#given.has(descriptor.peer) || this.#options.except.has(descriptor.peer)) continue
      const checked = checker.check(descriptor, callEnv)
      if (!checked.ok) onRefused(from, checked.fault)
      else if (this.#plan.admits(checked.descriptor, callEnv)) {
        this.#given.add(descriptor.peer)
        found.push(checked.descriptor)
        this.#found.push(checked.descriptor)
      }
    }
    if (found.length > 0) this.#options.onFound(found)
    return found
  }

  /**
   * Now and then another member of the same cell is asked the same: what the first one left out, though everyone there has known of it
   * for long, is held against it; and the search has it after all.
   */
  async #audit(first: Descriptor, errand: Errand, { question, answer }: AnswerOf): Promise<void> {
    const { grouping } = this.#cell
    if (answer.descriptors.length < answer.matchCount || answer.matchCount >= question.wanted) return
    const isNear = (descriptor: Descriptor): boolean =>
      commonPrefix(grouping.keyOf(descriptor), grouping.keyOf(first)) >= answer.depth
    const second = [...answer.descriptors, ...errand.contacts].find((one) => one.peer !== first.peer && isNear(one))
    if (second === undefined) return
    this.#inFlightCount++
    const other = await this.#ask(second, errand, errand.step)
    this.#inFlightCount--
    if (other !== undefined) {
      const known = new Set(answer.descriptors.map(({ peer }) => peer))
      const settledMs = this.#dependencies.callEnv.wallMs + DESCRIPTOR_LIFE_MS - SETTLED_MS
      const omitted = other.answer.descriptors.filter(
        (descriptor) => !known.has(descriptor.peer) && isNear(descriptor) && descriptor.expiresMs < settledMs,
      )
      this.#give(second.peer, other.answer.descriptors)
      if (omitted.length >= OMITTED_COUNT_MIN) this.#dependencies.onRefused(first.peer, 'omission')
    }
    if (this.#isDone) this.#resume()
  }
}

interface AnswerOf {
  readonly question: Question
  readonly answer: Answer & { readonly type: 'answer' }
}

/** Nodes asked at once. */
const PARALLEL_COUNT_MAX = 48
/** A node that has not answered by then is taken for silent, and another is asked. */
const SILENT_MS = 1_000
/** Nodes asked about one region until one answers. */
const TRIED_COUNT_MAX = 4
/** How many times what is missing is asked for, in the first steps of a search and in later ones. */
const GENEROSITY = [1.25, 1.25, 3, 12]
/** One of so many answers is compared with another's; of those that give nobody, more. */
const AUDIT_ONE_OF = 32
const AUDIT_EMPTY_ONE_OF = 8
/** A descriptor older than this is known to everyone in its cell; and so many of them left out are no accident. */
const SETTLED_MS = 60_000
const OMITTED_COUNT_MIN = 2
