import type { Expression } from '../classad/index.ts'
import { shuffle } from '../env/index.ts'
import type { AbortSignalLike, PeerId } from '../env/index.ts'
import { RoostError, asRoostError } from '../error/index.ts'
import { matches } from '../live/index.ts'
import { SHARDS_COUNT, shardKey, shardOf } from './application-messages.ts'
import type { ApplicationRequest } from './application-messages.ts'
import { CALL_MS, HOLDERS_COUNT } from './application-ports.ts'
import type { ApplicationEnv, ApplicationPorts } from './application-ports.ts'
import { checkApplicationRecord, identityOf, isTakenBack, queriedAttributes, refusalOf } from './application-record.ts'
import type { SignedApplicationRecord } from './application-record.ts'
import type { Page, PageRequest } from './application-shelf.ts'

/**
 * Asks holders for records, believes none of them, and puts together what several said: a holder may have come a moment ago, or have
 * missed a word, or lie. Three that answer are enough, and where they know nothing of a name the others are asked too.
 */

const ANSWERS_COUNT = 3
/** Shards of a query that are read at once. */
const SHARDS_AT_ONCE = 4
/** Pages of one shard that are taken of one holder: 16,000 records. */
const PAGES_COUNT_MAX = 1_000

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

type Read = Omit<Extract<ApplicationRequest, { type: 'read' }>, 'type'>

interface Asking {
  readonly take: (signed: SignedApplicationRecord, from: PeerId) => void
  readonly isEnough: (answersCount: number) => boolean
  readonly isOver: () => boolean
  /** What `where` of the read means, for this node's own shelf. */
  readonly expression?: Expression
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

  /** Records of one name that count, as far as they were found in time. */
  async resolve(
    name: string,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<readonly SignedApplicationRecord[]> {
    const { vo } = this.#ports
    const newest = new Newest(this.#env, this.#ports, (record) => record.name === name)
    newest.seed(this.#here.published())
    await this.#ask(
      { shard: shardOf(name, vo, this.#env.crypto), name },
      {
        take: (signed, from) => newest.take(signed, from),
        isEnough: (answersCount) => answersCount >= ANSWERS_COUNT && newest.count > 0,
        isOver: this.#deadline(timeoutMs),
      },
    )
    return newest.living()
  }

  /** Records that an expression is true of, at most `count`; which ones, where there are more, is chance. */
  async find({ where, text, count, timeoutMs, signal }: FindApplications): Promise<FoundApplications> {
    const newest = new Newest(this.#env, this.#ports, (record) => matches(where, queriedAttributes(record), this.#env))
    newest.seed(this.#here.published())
    const isTimeOver = this.#deadline(timeoutMs)
    const isOver = (): boolean => signal?.aborted === true || isTimeOver() || newest.count > count
    const shards = shuffle(
      Array.from({ length: SHARDS_COUNT }, (_, shard) => shard),
      this.#env.rng,
    )
    let unreadCount = 0
    const worker = async (): Promise<void> => {
      for (let shard = shards.pop(); shard !== undefined; shard = shards.pop()) {
        const wasRead = await this.#ask(
          { shard, where: text },
          {
            take: (signed, from) => newest.take(signed, from),
            isEnough: (answersCount) => answersCount >= ANSWERS_COUNT,
            isOver,
            expression: where,
          },
        )
        if (!wasRead) unreadCount++
      }
    }
    await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, worker))
    if (signal?.aborted) throw new RoostError('CANCELLED', 'the search was given up')
    const records = newest.living()
    return { records: records.slice(0, count), isComplete: unreadCount === 0 && records.length <= count }
  }

  /** Asks the holders of a shard until enough have answered; gives whether one of them was read to its end. */
  async #ask(read: Read, how: Asking): Promise<boolean> {
    const key = shardKey(read.shard, this.#ports.vo, this.#env.crypto)
    const holders = [...(await this.#ports.closest(key, HOLDERS_COUNT))]
    let answersCount = 0
    const asker = async (): Promise<void> => {
      while (!how.isEnough(answersCount) && !how.isOver()) {
        const holder = holders.shift()
        if (holder === undefined) return
        if (await this.#readAll(holder, read, how)) answersCount++
      }
    }
    await Promise.all(Array.from({ length: ANSWERS_COUNT }, asker))
    return answersCount > 0
  }

  async #readAll(holder: PeerId, read: Read, how: Asking): Promise<boolean> {
    let after: string | undefined
    try {
      for (let pagesCount = 0; pagesCount < PAGES_COUNT_MAX && !how.isOver(); pagesCount++) {
        const page = await this.#page(holder, { ...read, ...(after !== undefined && { after }) }, how.expression)
        for (const signed of page.records) how.take(signed, holder)
        if (page.next === undefined) return true
        // Pages go on in order, or this would not end.
        if (after !== undefined && page.next <= after) return false
        after = page.next
      }
      return false
    } catch (thrown) {
      const { code } = asRoostError(thrown)
      if (code === 'CANCELLED') throw thrown
      return false
    }
  }

  async #page(holder: PeerId, read: Read, expression: Expression | undefined): Promise<Page> {
    if (holder === this.#env.self) {
      const { where: _, ...rest } = read
      return this.#here.read({ ...rest, ...(expression !== undefined && { where: expression }) })
    }
    const reply = await this.#env.call(holder, { type: 'read', ...read }, { timeoutMs: CALL_MS })
    if (reply.type !== 'page') throw new RoostError('MESSAGE_MALFORMED', 'not an answer to a read')
    return reply
  }

  #deadline(timeoutMs: number): () => boolean {
    const endsMs = this.#env.nowMs + timeoutMs
    return () => this.#env.nowMs >= endsMs
  }
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
