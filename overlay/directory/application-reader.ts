import type { Expression } from '../classad/index.ts'
import { shuffle } from '../env/index.ts'
import type { AbortSignalLike, PeerId } from '../env/index.ts'
import { RoostError, asRoostError } from '../error/index.ts'
import { matches } from '../live/index.ts'
import { SHARDS_COUNT, shardKey, shardOf } from './application-messages.ts'
import type { ApplicationRequest, Place } from './application-messages.ts'
import { CALL_MS, HOLDERS_COUNT } from './application-ports.ts'
import type { ApplicationEnv, ApplicationPorts } from './application-ports.ts'
import {
  checkApplicationRecord,
  identityOf,
  isTakenBack,
  ownerOf,
  queriedAttributes,
  refusalOf,
} from './application-record.ts'
import type { SignedApplicationRecord } from './application-record.ts'
import type { Page, PageRequest } from './application-shelf.ts'

/**
 * Asks holders for records, believes none of them, and puts together what several said: a holder may have come a moment ago, or have
 * missed a word, or lie. Three that answer for a shard are enough, and where they know nothing of a name the others are asked too. A node
 * that keeps several shards is asked for all of them at once: of a small grid three nodes know everything.
 */

const ANSWERS_COUNT = 3
/** Pages that are taken of one holder: 64,000 records, more than it keeps. */
const PAGES_COUNT_MAX = 1_000

export interface ResolveApplications {
  readonly timeoutMs: number
  readonly owner?: string
}

export interface FindApplications {
  readonly where: Expression
  /** The same as text, for others. */
  readonly text: string
  readonly count: number
  readonly timeoutMs: number
  readonly signal?: AbortSignalLike
}

export interface FoundApplications {
  readonly records: readonly SignedApplicationRecord[]
  /** Whether there are no more: every shard was read to its end at some holder. */
  readonly isComplete: boolean
}

/** What this node knows without asking. */
export interface OwnKnowledge {
  /** Reads its own shelf. */
  read(request: PageRequest): Page
  /** What it publishes itself, or has taken back. */
  published(): readonly SignedApplicationRecord[]
}

type Read = Pick<Extract<ApplicationRequest, { type: 'read' }>, 'name' | 'owner' | 'where'>

interface Asking {
  readonly take: (signed: SignedApplicationRecord, from: PeerId) => void
  /** How many answers each shard is to have, as far as one sees by now. */
  readonly wantedCount: () => number
  /** Monotonic time at which to stop, and whether to stop before. */
  readonly endsMs: number
  readonly isEnough?: () => boolean
  /** What `where` of the read means, for this node's own shelf. */
  readonly expression?: Expression
}

/** What is known of a shard while it is read. */
interface Reading {
  /** Who keeps it and was not asked for it yet. */
  readonly holders: Set<PeerId>
  /** Holders that were read to their end. */
  answersCount: number
}

export class ApplicationReader {
  readonly #ports: ApplicationPorts
  readonly #env: ApplicationEnv
  readonly #here: OwnKnowledge

  constructor(ports: ApplicationPorts, env: ApplicationEnv, here: OwnKnowledge) {
    this.#ports = ports
    this.#env = env
    this.#here = here
  }

  /** Records of one name that count, of one owner or of all, as far as they were found in time. */
  async resolve(name: string, { timeoutMs, owner }: ResolveApplications): Promise<readonly SignedApplicationRecord[]> {
    const { vo } = this.#ports
    const isAskedFor = (record: SignedApplicationRecord['record']): boolean =>
      record.name === name && (owner === undefined || ownerOf(record) === owner)
    const newest = new Newest(this.#env, this.#ports, isAskedFor)
    newest.seed(this.#here.published())
    await this.#ask(
      [shardOf(name, vo, this.#env.crypto)],
      { name, ...(owner !== undefined && { owner }) },
      {
        take: (signed, from) => newest.take(signed, from),
        wantedCount: () => (newest.count > 0 ? ANSWERS_COUNT : HOLDERS_COUNT),
        endsMs: this.#env.nowMs + timeoutMs,
      },
    )
    return newest.living()
  }

  /** Records that an expression is true of, at most `count`; which ones, where there are more, is chance. */
  async find({ where, text, count, timeoutMs, signal }: FindApplications): Promise<FoundApplications> {
    const newest = new Newest(this.#env, this.#ports, (record) => matches(where, queriedAttributes(record), this.#env))
    newest.seed(this.#here.published())
    const shards = shuffle(
      Array.from({ length: SHARDS_COUNT }, (_, shard) => shard),
      this.#env.rng,
    )
    const isWhole = await this.#ask(
      shards,
      { where: text },
      {
        take: (signed, from) => newest.take(signed, from),
        wantedCount: () => ANSWERS_COUNT,
        endsMs: this.#env.nowMs + timeoutMs,
        isEnough: () => signal?.aborted === true || newest.count > count,
        expression: where,
      },
    )
    if (signal?.aborted) throw new RoostError('CANCELLED', 'the search was given up')
    const records = newest.living()
    return { records: records.slice(0, count), isComplete: isWhole && records.length <= count }
  }

  /** Asks holders, in rounds, until each shard has enough answers; gives whether each has one at least. */
  async #ask(shards: readonly number[], read: Read, how: Asking): Promise<boolean> {
    const { vo, closest } = this.#ports
    const readings = new Map<number, Reading>()
    for (const shard of shards)
      readings.set(shard, {
        holders: new Set(await closest(shardKey(shard, vo, this.#env.crypto), HOLDERS_COUNT)),
        answersCount: 0,
      })
    const silent = new Set<PeerId>()
    // Three at first: what they say tells whether more are wanted.
    for (let wantedCount = ANSWERS_COUNT; !this.#isOver(how); wantedCount = how.wantedCount()) {
      const round = planRound(readings, { silent, wantedCount })
      if (round.size === 0) break
      await Promise.all(
        [...round].map(async ([holder, some]) => {
          for (const shard of some) readings.get(shard)!.holders.delete(holder)
          if (await this.#readAll(holder, { ...read, shards: some }, how))
            for (const shard of some) readings.get(shard)!.answersCount++
          else silent.add(holder)
        }),
      )
    }
    return [...readings.values()].every(({ answersCount }) => answersCount > 0)
  }

  async #readAll(holder: PeerId, read: Read & { readonly shards: readonly number[] }, how: Asking): Promise<boolean> {
    let after: Place | undefined
    try {
      for (let pagesCount = 0; pagesCount < PAGES_COUNT_MAX && !this.#isOver(how); pagesCount++) {
        const page = await this.#page(holder, { ...read, ...(after !== undefined && { after }) }, how)
        for (const signed of page.records) how.take(signed, holder)
        if (page.next === undefined) return true
        if (after !== undefined && !isBehind(page.next, after, read.shards)) return false
        after = page.next
      }
      return false
    } catch (thrown) {
      const { code } = asRoostError(thrown)
      if (code === 'CANCELLED') throw thrown
      return false
    }
  }

  async #page(
    holder: PeerId,
    read: Omit<Extract<ApplicationRequest, { type: 'read' }>, 'type'>,
    { expression, endsMs }: Asking,
  ): Promise<Page> {
    if (holder === this.#env.self) {
      const { where: _, ...rest } = read
      return this.#here.read({ ...rest, ...(expression !== undefined && { where: expression }) })
    }
    const timeoutMs = Math.min(CALL_MS, endsMs - this.#env.nowMs)
    const reply = await this.#env.call(holder, { type: 'read', ...read }, { timeoutMs })
    if (reply.type !== 'page') throw new RoostError('MESSAGE_MALFORMED', 'not an answer to a read')
    return reply
  }

  #isOver({ endsMs, isEnough }: Asking): boolean {
    return this.#env.nowMs >= endsMs || isEnough?.() === true
  }
}

/**
 * Whom to ask for which shards, so that each will have as many answers as are wanted: again and again the node that helps with most
 * shards, and of equals the one that is nearer. Who did not answer is not asked again.
 */
function planRound(
  readings: ReadonlyMap<number, Reading>,
  { silent, wantedCount }: { readonly silent: ReadonlySet<PeerId>; readonly wantedCount: number },
): Map<PeerId, number[]> {
  const missing = new Map([...readings].map(([shard, { answersCount }]) => [shard, wantedCount - answersCount]))
  const round = new Map<PeerId, number[]>()
  for (;;) {
    const helps = new Map<PeerId, number[]>()
    for (const [shard, { holders }] of readings)
      if (missing.get(shard)! > 0)
        for (const holder of holders)
          if (!silent.has(holder) && !round.has(holder)) helps.set(holder, [...(helps.get(holder) ?? []), shard])
    let best: [PeerId, number[]] | undefined
    for (const entry of helps) if (best === undefined || entry[1].length > best[1].length) best = entry
    if (best === undefined) return round
    round.set(...best)
    for (const shard of best[1]) missing.set(shard, missing.get(shard)! - 1)
  }
}

/** Pages go on in order, or reading them would not end. */
function isBehind(place: Place, before: Place, shards: readonly number[]): boolean {
  const [index, beforeIndex] = [shards.indexOf(place.shard), shards.indexOf(before.shard)]
  return index > beforeIndex || (index === beforeIndex && place.identity > before.identity)
}

/** What several holders said: by identity the newest of it, as far as it is asked for and its publisher is there. */
class Newest {
  readonly #env: ApplicationEnv
  readonly #ports: ApplicationPorts
  readonly #isAskedFor: (record: SignedApplicationRecord['record']) => boolean
  readonly #records = new Map<string, SignedApplicationRecord>()
  /** What this node has taken back counts here before others have heard of it. */
  readonly #takenBackHere = new Map<string, number>()

  constructor(
    env: ApplicationEnv,
    ports: ApplicationPorts,
    isAskedFor: (record: SignedApplicationRecord['record']) => boolean,
  ) {
    this.#env = env
    this.#ports = ports
    this.#isAskedFor = isAskedFor
  }

  get count(): number {
    return this.#records.size
  }

  seed(published: readonly SignedApplicationRecord[]): void {
    for (const signed of published) {
      const { record } = signed
      if (isTakenBack(record)) this.#takenBackHere.set(identityOf(record), record.sequence)
      else if (this.#isAskedFor(record)) this.#records.set(identityOf(record), signed)
    }
  }

  take(signed: SignedApplicationRecord, from: PeerId): void {
    const { vo, checkMember, onRefused, isGone } = this.#ports
    const { record } = signed
    const identity = identityOf(record)
    const known = this.#records.get(identity)?.record.sequence ?? this.#takenBackHere.get(identity) ?? -1
    if (known >= record.sequence || isGone(record.publisher)) return
    try {
      checkApplicationRecord(signed, { surroundings: this.#env, vo, checkMember })
    } catch (thrown) {
      return onRefused(from, refusalOf(thrown))
    }
    if (this.#isAskedFor(record)) this.#records.set(identity, signed)
  }

  /** In random order, so that nobody is always the first. */
  living(): readonly SignedApplicationRecord[] {
    return shuffle(
      [...this.#records.values()].filter(({ record }) => !isTakenBack(record)),
      this.#env.rng,
    )
  }
}
