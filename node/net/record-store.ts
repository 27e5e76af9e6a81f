import { Record as KadRecord } from '@libp2p/kad-dht'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { Counters } from './counters.ts'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['put']>[0]

/**
 * What kad-dht gets for a datastore. In 16.4.5 a node takes whatever record is put to it, so that a stale one replaces a newer and
 * readers find the stale one. Here a put under `/dht/record/` keeps the record that `prefer` prefers; all else passes
 * through. kad-dht never deletes what nobody asks for again, so old records are swept, and there may only be so many.
 */

/** Records kept for others, some 2 KB each on disk. Beyond it new ones are refused; those that are known are still renewed. */
export const RECORDS_COUNT_MAX = 100_000
/** As long as kad-dht itself lets a record count (its VALUE_MAX_AGE): owners put theirs again within that time. */
export const RECORD_AGE_MS_MAX = 48 * 3_600_000

export const RECORD_PREFIX = '/dht/record/'

/** Which of two valid values of one key stays: true for the new one. Throws where either cannot be read. */
export type Prefer = (keptValue: Uint8Array, newValue: Uint8Array) => boolean

export class RecordStore {
  readonly datastore: Datastore
  readonly #inner: Datastore
  readonly #prefer: Prefer
  readonly #counters: Counters
  /** The last put of each key that is under way: puts of one key take turns, or both would see the same kept record. */
  readonly #turns = new Map<string, Promise<unknown>>()
  #recordsCount: number | undefined

  constructor(inner: Datastore, prefer: Prefer, counters: Counters) {
    this.#inner = inner
    this.#prefer = prefer
    this.#counters = counters
    this.datastore = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'put') return this.#put.bind(this)
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** Deletes records past their age. */
  async sweep(nowMs: number): Promise<void> {
    let keptCount = 0
    for await (const { key, value } of this.#inner.query({ prefix: RECORD_PREFIX })) {
      if (nowMs - receivedMs(value) > RECORD_AGE_MS_MAX) await this.#inner.delete(key)
      else keptCount++
    }
    this.#recordsCount = keptCount
  }

  async #put(key: Key, value: Uint8Array, options?: Parameters<Datastore['put']>[2]): Promise<Key> {
    if (!key.toString().startsWith(RECORD_PREFIX)) return await this.#inner.put(key, value, options)
    return await this.#inTurn(key.toString(), async () => {
      const kept = await this.#read(key)
      if (kept === undefined) await this.#makeRoom()
      else if (!this.#isPreferred(kept, value)) {
        this.#counters.add('records_stale_puts')
        return key
      }
      return await this.#inner.put(key, value, options)
    })
  }

  async #makeRoom(): Promise<void> {
    if (this.#recordsCount === undefined) await this.sweep(Date.now())
    if (this.#recordsCount! >= RECORDS_COUNT_MAX) {
      this.#counters.add('records_full_puts')
      throw new Error(`more than ${RECORDS_COUNT_MAX} records`)
    }
    this.#recordsCount!++
  }

  #isPreferred(kept: Uint8Array, value: Uint8Array): boolean {
    try {
      return this.#prefer(KadRecord.deserialize(kept).value, KadRecord.deserialize(value).value)
    } catch {
      // What is kept cannot be read (an older version wrote it, or the disk lost it); the new one was validated before it came here.
      return true
    }
  }

  async #read(key: Key): Promise<Uint8Array | undefined> {
    try {
      return await this.#inner.get(key)
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'NotFoundError') return undefined
      throw thrown
    }
  }

  async #inTurn<Result>(key: string, run: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(run, run)
    this.#turns.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }
}

function receivedMs(value: Uint8Array): number {
  try {
    return KadRecord.deserialize(value).timeReceived.getTime()
  } catch {
    return 0
  }
}
