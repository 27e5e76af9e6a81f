import assert from 'node:assert'
import { decode, encode } from 'cborg'
import { RoostError } from '../../overlay/index.ts'
import { storeError, type Database } from './database.ts'

interface Numbered {
  /** From 1, no gaps. */
  readonly number: number
}

/**
 * Numbered logs, one for each id, in LevelDB: an entry under `<prefix>!<id>!<number>`, as CBOR. An append is one batch,
 * synced: whole and on disk when it resolves.
 */
export class NumberedLogs<Entry extends Numbered> {
  readonly #database: Database
  readonly #prefix: string
  readonly #parse: (value: unknown) => Entry

  constructor(database: Database, prefix: string, parse: (value: unknown) => Entry) {
    this.#database = database
    this.#prefix = prefix
    this.#parse = parse
  }

  async append(id: string, entries: readonly Entry[]): Promise<void> {
    assert(!id.includes('!'), 'an id holds no separator')
    assert(
      entries.every((entry, index) => entry.number === entries[0]!.number + index),
      'entries are numbered without gaps',
    )
    const batch = entries.map((entry) => ({
      type: 'put' as const,
      key: this.#key(id, entry.number),
      value: encode(entry),
    }))
    try {
      await this.#database.write(batch)
    } catch (thrown) {
      throw storeError(thrown, `the log of ${id} could not be written`)
    }
  }

  /** Entries from a number on. `STORE_FAILED` where one is damaged or missing: what follows a hole is worth nothing. */
  async read(id: string, fromNumber: number): Promise<readonly Entry[]> {
    const rows = await this.#rows({ gte: this.#key(id, fromNumber), lt: this.#end(id) })
    return rows.map(([key, value], index) => {
      const entry = this.#decode(key, value)
      const first = Number(rows[0]![0].slice(-NUMBER_DIGITS))
      if (entry.number !== first + index || key !== this.#key(id, entry.number))
        throw new RoostError('STORE_FAILED', `the log of ${id} has a hole before ${key}`)
      return entry
    })
  }

  /** Every id that has a log, in order. */
  async list(): Promise<readonly string[]> {
    const ids: string[] = []
    let after = `${this.#prefix}!`
    const limit = `${this.#prefix}"`
    try {
      for (;;) {
        const [key] = await this.#database.keys({ gt: after, lt: limit, limit: 1 })
        if (key === undefined) return ids
        const id = key.slice(this.#prefix.length + 1, -(NUMBER_DIGITS + 1))
        ids.push(id)
        after = this.#end(id)
      }
    } catch (thrown) {
      throw storeError(thrown, 'the logs could not be listed')
    }
  }

  async remove(id: string): Promise<void> {
    try {
      const keys = await this.#database.keys({ gte: this.#key(id, 0), lt: this.#end(id) })
      await this.#database.write(keys.map((key) => ({ type: 'del' as const, key })))
    } catch (thrown) {
      throw storeError(thrown, `the log of ${id} could not be removed`)
    }
  }

  async #rows(range: { gte: string; lt: string }): Promise<[string, Uint8Array][]> {
    try {
      return await this.#database.entries(range)
    } catch (thrown) {
      throw storeError(thrown, 'a log could not be read')
    }
  }

  #decode(key: string, value: Uint8Array): Entry {
    try {
      return this.#parse(decode(value))
    } catch (cause) {
      throw new RoostError('STORE_FAILED', `the entry ${key} in the database is damaged`, { cause })
    }
  }

  #key(id: string, number: number): string {
    return `${this.#prefix}!${id}!${String(number).padStart(NUMBER_DIGITS, '0')}`
  }

  /** Just after the last possible entry of `id`: `"` follows `!`. */
  #end(id: string): string {
    return `${this.#prefix}!${id}"`
  }
}

/** As many as `Number.MAX_SAFE_INTEGER` has. */
const NUMBER_DIGITS = 16
