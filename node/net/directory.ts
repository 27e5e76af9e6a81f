import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { decode, encode } from '../codec/index.ts'
import {
  JOB_RECORD_BYTES_MAX,
  RoostError,
  compareJobRecords,
  parseJobRecord,
  signJobRecord,
} from '../../overlay/index.ts'
import type { Crypto, PeerId, Plain, SignedJobRecord } from '../../overlay/index.ts'
import type { JobDirectory, JobRecord, Log } from '../../overlay/contract/index.ts'
import type { Counters } from './counters.ts'
import { JOB_NAMESPACE } from './libp2p.ts'
import type { GridServices } from './libp2p.ts'
import type { RecordStore } from './record-store.ts'

/**
 * The directory of jobs in the DHT: for each job one signed record, for each user the set of nodes that control jobs of theirs (as
 * providers of a key made from the user). What this node published it remembers, answers itself, and puts again: values in
 * kad-dht end 48 hours after they were received, and nodes that held them go. A grid of one node has nobody to put to; then the put
 * happens when the first peer is there.
 */

/** Jobs whose records this node keeps fresh; beyond it the oldest is left to expire. */
const OWN_JOBS_COUNT_MAX = 10_000
const OWN_USERS_COUNT_MAX = 10_000
/** Some twenty requests a record, so 10,000 jobs cost 14 a second; twelve chances before a record ends. */
const RENEW_MS = 4 * 3_600_000
/** What could not be put is tried again after this long. */
const RETRY_MS = 30_000
/** Lookups of records that are renewed at once, and the least time between two of them: 10,000 take twenty minutes, and trouble nobody. */
const RENEWALS_AT_ONCE = 4
const RENEWAL_PAUSE_MS = 500
const PUT_MS = 20_000
const FIND_MS = 10_000
/** Records that are compared before a search ends early. A put reaches up to twenty nodes; a few of those may be stale. */
const FIND_ANSWERS_COUNT = 4
const SWEEP_MS = 3_600_000

const SHA2_256 = 0x12
const RAW_CODEC = 0x55

export interface DirectoryDependencies {
  readonly self: PeerId
  readonly crypto: Crypto
  readonly vo: () => string
  readonly dht: GridServices['dht']
  readonly records: RecordStore
  readonly counters: Counters
  readonly log: Log
}

export class DhtDirectory implements JobDirectory {
  readonly #dependencies: DirectoryDependencies
  readonly #ownJobs = new Map<string, SignedJobRecord>()
  readonly #ownUsers = new Set<string>()
  /** What still has to be put: job ids and users, each with a prefix. */
  readonly #due = new Map<string, () => Promise<void>>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #ending = new AbortController()
  #isRenewing = false

  constructor(dependencies: DirectoryDependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    const { dht, records, log } = this.#dependencies
    const events = dht.routingTable as unknown as EventTarget
    events.addEventListener('peer:add', () => void this.#renewDue(), { signal: this.#ending.signal })
    const every = (ms: number, run: () => unknown): void => void this.#timers.push(setInterval(run, ms).unref())
    every(RENEW_MS, () => this.#renewAll())
    every(RETRY_MS, () => this.#renewDue())
    every(SWEEP_MS, () =>
      records.sweep(Date.now()).catch((thrown: unknown) => log.warn({ err: thrown }, 'old records were not swept')),
    )
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#due.clear()
    this.#ending.abort()
  }

  async publishJob(record: Omit<JobRecord, 'sequence' | 'vo'>): Promise<void> {
    const { crypto, vo, self } = this.#dependencies
    if (record.controllers[0] !== self)
      throw new RoostError('RECORD_REFUSED', `the record of job ${record.jobId} is its first controller's to publish`)
    const last = this.#ownJobs.get(record.jobId)?.record
    // After a restart the last number is not known here any more; the clock is beyond it unless it was set back.
    const sequence = Math.max((last?.sequence ?? 0) + 1, Date.now())
    const signed = signJobRecord({ ...record, sequence, vo: vo() }, crypto)
    this.#ownJobs.delete(record.jobId)
    this.#ownJobs.set(record.jobId, signed)
    forgetOldest(this.#ownJobs, OWN_JOBS_COUNT_MAX)
    await this.#putOrLater(`job ${record.jobId}`, () => this.#putJob(record.jobId))
  }

  async findJob(jobId: string): Promise<JobRecord> {
    const own = this.#ownJobs.get(jobId)
    if (own !== undefined) return own.record
    const found = this.#isAlone ? undefined : await this.#search(jobId)
    if (found === undefined) throw new RoostError('RECORD_NOT_FOUND', `no record of job ${jobId} was found`)
    return found.record
  }

  async announceUser(user: string): Promise<void> {
    if (this.#ownUsers.has(user)) return
    this.#ownUsers.add(user)
    forgetOldest(this.#ownUsers, OWN_USERS_COUNT_MAX)
    await this.#putOrLater(`user ${user}`, () => this.#provide(user))
  }

  async findControllers(user: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<readonly PeerId[]> {
    const found = new Set<PeerId>(this.#ownUsers.has(user) ? [this.#dependencies.self] : [])
    if (this.#isAlone) return [...found]
    try {
      const options = { signal: this.#limit(timeoutMs) }
      for await (const event of this.#dependencies.dht.findProviders(this.#userKey(user), options))
        if (event.name === 'PROVIDER') for (const { id } of event.providers) found.add(id.toString())
    } catch {
      // The deadline, or no peer to ask: what was found stands.
    }
    return [...found]
  }

  get #isAlone(): boolean {
    return this.#dependencies.dht.routingTable.size === 0
  }

  async #putOrLater(name: string, put: () => Promise<void>): Promise<void> {
    this.#due.set(name, put)
    if (this.#isAlone) return
    await put()
    if (this.#due.get(name) === put) this.#due.delete(name)
  }

  /** Resolves with the first node that took it, and goes on putting it to the others; rejects where none did. */
  async #putJob(jobId: string): Promise<void> {
    const signed = this.#ownJobs.get(jobId)
    if (signed === undefined) return
    const value = encode(signed as unknown as Plain)
    const taken = Promise.withResolvers<void>()
    const all = this.#putEverywhere(jobId, value, taken.resolve)
    all.then(
      (cause) => taken.reject(new RoostError('RECORD_REFUSED', `no node took the record of job ${jobId}`, { cause })),
      taken.reject,
    )
    try {
      await taken.promise
    } catch (thrown) {
      this.#dependencies.counters.add('records_refused_puts')
      throw thrown
    }
  }

  /** Never rejects; gives what ended it early, if something did. */
  async #putEverywhere(jobId: string, value: Uint8Array, onTaken: () => void): Promise<unknown> {
    try {
      for await (const event of this.#dependencies.dht.put(jobKey(jobId), value, { signal: this.#limit(PUT_MS) }))
        if (
          event.name === 'PEER_RESPONSE' &&
          event.messageName === 'PUT_VALUE' &&
          sameBytes(event.record?.value, value)
        )
          onTaken()
      return undefined
    } catch (thrown) {
      return thrown
    }
  }

  async #search(jobId: string): Promise<SignedJobRecord | undefined> {
    let newest: SignedJobRecord | undefined
    let answersCount = 0
    const take = (value: Uint8Array): void => {
      const record = readJobValue(value, this.#dependencies.crypto)
      if (record?.record.jobId !== jobId || record.record.vo !== this.#dependencies.vo()) return
      answersCount++
      if (newest === undefined || compareJobRecords(newest, record) < 0) newest = record
    }
    try {
      // kad-dht's own choice comes last, after it corrected every stale node, and not at all when one of those is gone.
      for await (const event of this.#dependencies.dht.get(jobKey(jobId), { signal: this.#limit(FIND_MS) })) {
        if (event.name === 'VALUE') take(event.value)
        else if (event.name === 'PEER_RESPONSE' && event.record !== undefined) take(event.record.value)
        if (answersCount >= FIND_ANSWERS_COUNT) break
      }
    } catch {
      // The deadline, or nobody answered: what was found stands.
    }
    return newest
  }

  async #provide(user: string): Promise<void> {
    const options = { signal: this.#limit(PUT_MS) }
    try {
      for await (const event of this.#dependencies.dht.provide(this.#userKey(user), options)) void event
    } catch (cause) {
      throw new RoostError('RECORD_REFUSED', `no node took the record that jobs of ${user} are controlled here`, {
        cause,
      })
    }
  }

  #renewAll(): void {
    for (const jobId of this.#ownJobs.keys()) this.#due.set(`job ${jobId}`, () => this.#putJob(jobId))
    for (const user of this.#ownUsers) this.#due.set(`user ${user}`, () => this.#provide(user))
    void this.#renewDue()
  }

  async #renewDue(): Promise<void> {
    if (this.#isRenewing || this.#isAlone) return
    this.#isRenewing = true
    const round = [...this.#due]
    const worker = async (): Promise<void> => {
      for (let next = round.pop(); next !== undefined; next = round.pop()) {
        const isLast = round.length === 0
        await this.#renew(...next)
        if (!isLast) await pause(RENEWAL_PAUSE_MS, this.#ending.signal)
      }
    }
    await Promise.all(Array.from({ length: RENEWALS_AT_ONCE }, worker))
    this.#isRenewing = false
  }

  async #renew(name: string, put: () => Promise<void>): Promise<void> {
    try {
      await put()
      if (this.#due.get(name) === put) this.#due.delete(name)
    } catch (thrown) {
      if (!this.#ending.signal.aborted) this.#dependencies.log.info({ record: name, err: thrown }, 'record not renewed')
    }
  }

  #limit(timeoutMs: number): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#ending.signal])
  }

  #userKey(user: string): CID {
    const digest = createHash('sha256').update(`roost-user\n${this.#dependencies.vo()}\n${user}`).digest()
    return CID.createV1(RAW_CODEC, createDigest(SHA2_256, digest))
  }
}

/** Throws where `value` is no record of this VO for `key`, so that kad-dht neither keeps nor believes it. */
export function validateJobValue(
  key: Uint8Array,
  value: Uint8Array,
  { crypto, vo }: { readonly crypto: Crypto; readonly vo: string },
): void {
  if (value.length > JOB_RECORD_BYTES_MAX) throw new RoostError('MESSAGE_TOO_LARGE', 'a record beyond its bound')
  const { record } = parseJobRecord(decode(value, { bytesMax: JOB_RECORD_BYTES_MAX }), crypto)
  if (!sameBytes(jobKey(record.jobId), key)) throw new RoostError('MESSAGE_MALFORMED', 'a record under another key')
  if (record.vo !== vo) throw new RoostError('DENIED', 'a record of another grid')
}

/** Whether a new value replaces the one that is kept. Both were validated; equal ones do, since that renews their time. */
export function prefersJobValue(kept: Uint8Array, fresh: Uint8Array, crypto: Crypto): boolean {
  const keptRecord = readJobValue(kept, crypto)
  const freshRecord = readJobValue(fresh, crypto)
  if (freshRecord === undefined) return false
  return keptRecord === undefined || compareJobRecords(keptRecord, freshRecord) <= 0
}

function readJobValue(value: Uint8Array, crypto: Crypto): SignedJobRecord | undefined {
  try {
    return parseJobRecord(decode(value, { bytesMax: JOB_RECORD_BYTES_MAX }), crypto)
  } catch {
    return undefined
  }
}

function jobKey(jobId: string): Uint8Array {
  return new TextEncoder().encode(`/${JOB_NAMESPACE}/${jobId}`)
}

/** Ends early, and in order, with `signal`. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {})
}

function sameBytes(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && Buffer.compare(left, right) === 0
}

function forgetOldest(entries: Map<string, unknown> | Set<string>, countMax: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= countMax) return
    entries.delete(oldest)
  }
}
