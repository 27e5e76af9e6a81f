import type { Attributes } from '../attributes/index.ts'
import type { Expression } from '../classad/index.ts'
import type { PeerId, Surroundings } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { matches } from '../live/index.ts'
import { PAGE_BYTES_MAX, PAGE_RECORDS_COUNT_MAX, SHARDS_COUNT, shardOf } from './application-messages.ts'
import type { Place } from './application-messages.ts'
import {
  identityOf,
  identityPrefix,
  isTakenBack,
  ownerOf,
  queriedAttributes,
  remainingMs,
  recordBytesMax,
} from './application-record.ts'
import type { SignedApplicationRecord } from './application-record.ts'

/**
 * The records that a node keeps for others, in memory: they are short-lived, and after a restart their publishers' next renewal
 * brings them back. What is full takes no new identities and still renews those that it has, so that a flood keeps newcomers out and
 * nobody else, and no publisher has more than its share of it.
 */
export interface ShelfLimits {
  readonly countMax: number
  readonly perPublisherCountMax: number
  /** Publications of one owner's name: no stranger's of the same name are among them. */
  readonly perNameCountMax: number
}

/** A record takes 1 to 2 KB, so that a full shelf is some 30 MB; a publisher that is at its bound has a twentieth of it. */
export const SHELF_LIMITS: ShelfLimits = { countMax: 20_000, perPublisherCountMax: 1_000, perNameCountMax: 1_024 }

/** After which time a page is over; most expressions take microseconds for a record, and a hostile one 10 ms. */
const PAGE_MS_MAX = 5
/** How often what is past its time is cleared away; until then it is only not told of. */
const SWEEP_MS = 5_000

interface Held {
  readonly signed: SignedApplicationRecord
  readonly attributes: Attributes
  /** By our own monotonic clock, from its arrival: nobody else's clock makes it stay. */
  readonly endsMs: number
}

class Shard {
  readonly byIdentity = new Map<string, Held>()
  #sorted: string[] | undefined

  /** Identities in order. */
  get sorted(): readonly string[] {
    return (this.#sorted ??= [...this.byIdentity.keys()].sort())
  }

  set(identity: string, held: Held): void {
    if (!this.byIdentity.has(identity)) this.#sorted = undefined
    this.byIdentity.set(identity, held)
  }

  delete(identity: string): void {
    if (this.byIdentity.delete(identity)) this.#sorted = undefined
  }
}

export interface PageRequest {
  readonly shards: readonly number[]
  readonly name?: string
  readonly owner?: string
  readonly where?: Expression
  readonly after?: Place
}

export interface Page {
  readonly records: readonly SignedApplicationRecord[]
  readonly next?: Place
}

type World = Pick<Surroundings, 'self' | 'nowMs' | 'wallMs' | 'rng' | 'crypto'>

export class ApplicationShelf {
  readonly #world: World
  readonly #limits: ShelfLimits
  readonly #shards = Array.from({ length: SHARDS_COUNT }, () => new Shard())
  readonly #publisherCounts = new Map<PeerId, number>()
  readonly #nameCounts = new Map<string, number>()
  #count = 0
  #sweptMs: number

  constructor(world: World, limits: ShelfLimits = SHELF_LIMITS) {
    this.#world = world
    this.#limits = limits
    this.#sweptMs = world.nowMs
  }

  /** Records, those that take back included. */
  get count(): number {
    return this.#count
  }

  /** Keeps a record that was checked. `RECORD_STALE` where a newer one is here, `BUSY` where there is no room for another. */
  put(signed: SignedApplicationRecord): void {
    this.#sweepNowAndThen()
    const { record } = signed
    const { nowMs, wallMs, crypto } = this.#world
    const shard = this.#shards[shardOf(record.name, record.vo, crypto)]!
    const identity = identityOf(record)
    const kept = shard.byIdentity.get(identity)
    if (kept !== undefined && kept.signed.record.sequence > record.sequence)
      throw new RoostError('RECORD_STALE', `a newer record of ${record.name} is known`)
    if (kept === undefined) this.#admit(record)
    const endsMs = nowMs + remainingMs(record, wallMs)
    shard.set(identity, { signed, attributes: queriedAttributes(record), endsMs })
  }

  /** What is here of a name, or what an expression is true of, from where the last page ended. */
  page(request: PageRequest): Page {
    this.#sweepNowAndThen()
    const { shards, name, owner, after } = request
    const startMs = this.#world.nowMs
    const records: SignedApplicationRecord[] = []
    let place = after
    let bytes = 0
    const prefix = name === undefined ? '' : identityPrefix(name, owner)
    const begin = after === undefined ? 0 : shards.indexOf(after.shard)
    for (const shard of begin < 0 ? [] : shards.slice(begin)) {
      const { sorted, byIdentity } = this.#shards[shard]!
      const from = shard === after?.shard ? after.identity : prefix
      for (let index = firstBehind(sorted, from); index < sorted.length; index++) {
        const identity = sorted[index]!
        const held = byIdentity.get(identity)!
        if (!identity.startsWith(prefix)) break
        const isLate = this.#world.nowMs - startMs > PAGE_MS_MAX
        if (held.endsMs > startMs && this.#isWanted(held, request)) {
          bytes += recordBytesMax(held.signed)
          if (bytes > PAGE_BYTES_MAX || records.length === PAGE_RECORDS_COUNT_MAX)
            return { records, ...(place && { next: place }) }
          records.push(held.signed)
        }
        place = { shard, identity }
        if (isLate) return { records, next: place }
      }
    }
    return { records }
  }

  #isWanted({ signed: { record }, attributes }: Held, { name, owner, where }: PageRequest): boolean {
    if (name === undefined && isTakenBack(record)) return false
    if (owner !== undefined && owner !== ownerOf(record)) return false
    return where === undefined || matches(where, attributes, this.#world)
  }

  #admit(record: SignedApplicationRecord['record']): void {
    const { publisher } = record
    const name = identityPrefix(record.name, ownerOf(record))
    const { countMax, perPublisherCountMax, perNameCountMax } = this.#limits
    const ofPublisher = this.#publisherCounts.get(publisher) ?? 0
    const ofName = this.#nameCounts.get(name) ?? 0
    if (this.#count >= countMax || ofPublisher >= perPublisherCountMax || ofName >= perNameCountMax)
      throw new RoostError('BUSY', `there is no room for another record of ${record.name}`)
    this.#count++
    this.#publisherCounts.set(publisher, ofPublisher + 1)
    this.#nameCounts.set(name, ofName + 1)
  }

  #sweepNowAndThen(): void {
    const { nowMs } = this.#world
    if (nowMs - this.#sweptMs < SWEEP_MS) return
    this.#sweptMs = nowMs
    for (const shard of this.#shards)
      for (const [identity, { signed, endsMs }] of shard.byIdentity)
        if (endsMs <= nowMs) {
          shard.delete(identity)
          this.#count--
          countDown(this.#publisherCounts, signed.record.publisher)
          countDown(this.#nameCounts, identityPrefix(signed.record.name, ownerOf(signed.record)))
        }
  }
}

/** The index of the first entry greater than `text`. */
function firstBehind(sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! > text) high = middle
    else low = middle + 1
  }
  return low
}

function countDown(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1
  if (left === 0) counts.delete(key)
  else counts.set(key, left)
}
