import type { PeerId } from '../env/index.ts'
import { RoostError, asRoostError } from '../error/index.ts'
import { PUT_RECORDS_COUNT_MAX, shardKey, shardOf } from './application-messages.ts'
import type { ApplicationReply } from './application-messages.ts'
import { CALL_MS, HOLDERS_COUNT } from './application-ports.ts'
import type { ApplicationEnv, ApplicationPorts } from './application-ports.ts'
import { checkApplicationRecord, identityOf, isTakenBack, signApplicationRecord } from './application-record.ts'
import type {
  ApplicationRecordFields,
  MemberStatement,
  PublicationFields,
  SignedApplicationRecord,
} from './application-record.ts'

/**
 * What this node publishes, and the work of keeping it published. There is one rule: each holder of a record's shard is to have
 * taken the record's newest sequence; whoever has not is sent it. A renewal is a newer sequence, a removal one without endpoints, and a
 * node that became a holder simply has taken nothing yet.
 */

/** Publications of this node; beyond it new ones are refused with `BUSY`. Of those taken back as many are remembered, the latest. */
export const PUBLICATIONS_COUNT_MAX = 1_000
/**
 * How long it is remembered at most, here and by holders, that something was taken back: long enough for a holder that did not hear of it
 * to be told, or to be known as gone.
 */
const TAKEN_BACK_MS_MAX = 600_000
/** Renewals in a record's time to live: two may fail before it ends. */
const RENEWALS_COUNT = 3
/** How often it is looked whether somebody is to be sent something. */
const ROUND_MS = 1_000
/** A holder that did not answer is tried again after this long, then twice as long, and so on. */
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 16_000

export interface PublishOptions {
  readonly job?: string
  /** The member's words, which must say what is published. */
  readonly statement?: MemberStatement
}

/** What tells a publication of this node, and whose it was. */
export type Publication = Pick<ApplicationRecordFields, 'name' | 'instance' | 'ttlMs' | 'job' | 'member'>

export interface Own {
  readonly signed: SignedApplicationRecord
  readonly renewAtMs: number
  /** When a record that takes back is no longer needed: what it took back is past its time everywhere. */
  readonly endsMs: number
  /** Nodes that have taken this very record. */
  readonly takenBy: Set<PeerId>
}

export class ApplicationPublisher {
  readonly #ports: ApplicationPorts
  readonly #env: ApplicationEnv
  readonly #putHere: (signed: SignedApplicationRecord) => void
  readonly #own = new Map<string, Own>()
  readonly #retries = new Map<PeerId, { readonly atMs: number; readonly delayMs: number }>()
  #lastSequence = 0
  #isRunning = false
  #isStopped = false

  /** `putHere` keeps a record on this node's own shelf. */
  constructor(ports: ApplicationPorts, env: ApplicationEnv, putHere: (signed: SignedApplicationRecord) => void) {
    this.#ports = ports
    this.#env = env
    this.#putHere = putHere
  }

  /** Own records, those that take back included. */
  list(): readonly SignedApplicationRecord[] {
    return [...this.#own.values()].map(({ signed }) => signed)
  }

  /**
   * Resolves when the holders have been told, and goes on telling those that did not answer; what this node had under the same name and
   * instance is over, whosever it was. Rejects with `RECORD_REFUSED` where no node took it, which leaves it published as far as
   * possible; with `BUSY`, or as `checkApplicationRecord` throws, nothing is.
   */
  async publish(fields: PublicationFields, { job, statement }: PublishOptions): Promise<SignedApplicationRecord> {
    const { vo } = this.#ports
    const { self, crypto } = this.#env
    const record = {
      ...fields,
      ...this.#now(),
      publisher: self,
      vo,
      ...(job !== undefined && { job }),
      ...(statement !== undefined && { member: statement.signer }),
    }
    const signed = signApplicationRecord(record, crypto, statement)
    this.#check(signed)
    const identity = identityOf(record)
    const replaced = this.#living(fields).filter((other) => identityOf(other) !== identity)
    const isAnother = replaced.length === 0 && !this.#own.has(identity)
    if (isAnother && this.#identities({ takenBack: false }).length >= PUBLICATIONS_COUNT_MAX)
      throw new RoostError('BUSY', `this node publishes ${PUBLICATIONS_COUNT_MAX} applications already`)
    const over = replaced.map((other) => this.#setTakenBack(other))
    await this.#set(identity, signed, over)
    return signed
  }

  /** Takes a publication back, also one of an earlier life. What cannot be told of it now is told later. */
  async takeBack(publication: Publication): Promise<void> {
    const given = this.#setTakenBack(publication)
    // Under another owner where its member's certificate has ended meanwhile.
    const others = this.#living(publication).map((other) => this.#setTakenBack(other))
    this.#run()
    await this.#tell([given, ...others], { isNews: true })
  }

  stop(): void {
    this.#isStopped = true
  }

  /** What is published under this name and instance: one, unless it has changed its owner. */
  #living({ name, instance }: Pick<Publication, 'name' | 'instance'>): ApplicationRecordFields[] {
    return this.list()
      .map(({ record }) => record)
      .filter((record) => record.name === name && record.instance === instance && !isTakenBack(record))
  }

  #setTakenBack({ name, instance, job, member, ...publication }: Publication): Own {
    const { vo } = this.#ports
    const { self, crypto } = this.#env
    const ttlMs = Math.min(publication.ttlMs, TAKEN_BACK_MS_MAX)
    const whose = { ...(job !== undefined && { job }), ...(member !== undefined && { member }) }
    const fields = { name, instance, ttlMs, publisher: self, vo, endpoints: [], attributes: {}, ...whose }
    const record = { ...fields, ...this.#now() }
    const [oldest, ...others] = this.#identities({ takenBack: true })
    if (others.length >= PUBLICATIONS_COUNT_MAX) this.#own.delete(oldest!)
    const own = this.#ownOf(signApplicationRecord(record, crypto))
    this.#own.set(identityOf(record), own)
    return own
  }

  async #set(identity: string, signed: SignedApplicationRecord, over: readonly Own[]): Promise<void> {
    const own = this.#ownOf(signed)
    this.#own.set(identity, own)
    this.#run()
    const lastTold = await this.#tell([own, ...over], { isNews: true })
    if (own.takenBy.size === 0 && this.#own.get(identity) === own)
      throw new RoostError('RECORD_REFUSED', `no node took the record of ${signed.record.name}`, {
        cause: lastTold,
        certain: false,
      })
  }

  #identities({ takenBack }: { readonly takenBack: boolean }): string[] {
    return [...this.#own].flatMap(([identity, { signed }]) =>
      isTakenBack(signed.record) === takenBack ? [identity] : [],
    )
  }

  #ownOf(signed: SignedApplicationRecord): Own {
    const { ttlMs } = signed.record
    const { nowMs } = this.#env
    return { signed, renewAtMs: nowMs + ttlMs / RENEWALS_COUNT, endsMs: nowMs + ttlMs, takenBy: new Set() }
  }

  /** After a restart the last number is not known here any more; the clock is beyond it unless it was set back. */
  #now(): { readonly sequence: number; readonly atMs: number } {
    const atMs = Math.floor(this.#env.wallMs)
    this.#lastSequence = Math.max(this.#lastSequence + 1, atMs)
    return { sequence: this.#lastSequence, atMs }
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    const rounds = async (): Promise<void> => {
      while (this.#own.size > 0 && !this.#isStopped) {
        await this.#env.sleep(ROUND_MS)
        this.#renew()
        await this.#tell([...this.#own.values()], { isNews: false })
      }
    }
    // Sleeping fails when the host stops, and nothing else may end the rounds.
    rounds()
      .catch(() => {})
      .finally(() => (this.#isRunning = false))
  }

  #renew(): void {
    const { nowMs } = this.#env
    for (const [identity, { signed, renewAtMs, endsMs }] of this.#own) {
      if (!isTakenBack(signed.record)) {
        if (nowMs < renewAtMs) continue
        const renewed = this.#renewed(signed)
        this.#own.delete(identity)
        this.#own.set(identityOf(renewed.record), this.#ownOf(renewed))
      } else if (nowMs >= endsMs) this.#own.delete(identity)
    }
  }

  /** A member's words hold as long as the member's certificate; after that it is the node alone that goes on saying it, as its own. */
  #renewed({ record, statement }: SignedApplicationRecord): SignedApplicationRecord {
    const { crypto } = this.#env
    const renewed = signApplicationRecord({ ...record, ...this.#now() }, crypto, statement)
    try {
      this.#check(renewed)
      return renewed
    } catch {
      const { member: _, ...rest } = renewed.record
      return signApplicationRecord(rest, crypto)
    }
  }

  #check(signed: SignedApplicationRecord): void {
    const { vo, checkMember } = this.#ports
    checkApplicationRecord(signed, { surroundings: this.#env, vo, checkMember })
  }

  /** Sends each holder what it has not taken; with news nobody is passed over for having been silent. Gives what went wrong last. */
  async #tell(publications: readonly Own[], { isNews }: { readonly isNews: boolean }): Promise<unknown> {
    const wanting = new Map<PeerId, Own[]>()
    for (const [shard, ofShard] of Map.groupBy(publications, ({ signed: { record } }) => this.#shardOf(record.name))) {
      const holders = await this.#ports.closest(shardKey(shard, this.#ports.vo, this.#env.crypto), HOLDERS_COUNT)
      for (const holder of holders)
        for (const own of ofShard)
          if (!own.takenBy.has(holder)) {
            const wanted = wanting.get(holder)
            if (wanted === undefined) wanting.set(holder, [own])
            else wanted.push(own)
          }
    }
    let failure: unknown
    await Promise.all(
      [...wanting].map(async ([holder, records]) => {
        try {
          if (isNews || this.#isDue(holder)) await this.#put(holder, records)
        } catch (thrown) {
          failure = thrown
        }
      }),
    )
    return failure
  }

  #isDue(holder: PeerId): boolean {
    const retry = this.#retries.get(holder)
    return retry === undefined || this.#env.nowMs >= retry.atMs
  }

  async #put(holder: PeerId, records: readonly Own[]): Promise<void> {
    const { self } = this.#env
    try {
      for (let index = 0; index < records.length; index += PUT_RECORDS_COUNT_MAX) {
        const some = records.slice(index, index + PUT_RECORDS_COUNT_MAX)
        const refusals = holder === self ? this.#keep(some) : await this.#send(holder, some)
        for (const [at, own] of some.entries()) if (refusals[at] === '') own.takenBy.add(holder)
      }
      if (records.some((own) => !own.takenBy.has(holder)))
        throw new RoostError('RECORD_REFUSED', `${holder} has not taken every record`)
      this.#retries.delete(holder)
    } catch (thrown) {
      const delayMs = Math.min(2 * (this.#retries.get(holder)?.delayMs ?? RETRY_MS_MIN / 2), RETRY_MS_MAX)
      this.#retries.set(holder, { atMs: this.#env.nowMs + delayMs, delayMs })
      if (this.#retries.size > RETRIES_COUNT_MAX) this.#retries.delete(this.#retries.keys().next().value!)
      throw thrown
    }
  }

  async #send(holder: PeerId, some: readonly Own[]): Promise<readonly string[]> {
    const records = some.map(({ signed }) => signed)
    const reply: ApplicationReply = await this.#env.call(holder, { type: 'put', records }, { timeoutMs: CALL_MS })
    return reply.type === 'taken' ? reply.refusals : []
  }

  #keep(some: readonly Own[]): string[] {
    return some.map(({ signed }) => {
      try {
        this.#putHere(signed)
        return ''
      } catch (thrown) {
        return asRoostError(thrown).code
      }
    })
  }

  #shardOf(name: string): number {
    return shardOf(name, this.#ports.vo, this.#env.crypto)
  }
}

/** Holders that did not answer, remembered; there are only so many shards with so many holders each. */
const RETRIES_COUNT_MAX = 512
