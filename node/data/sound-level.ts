import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { RoostError } from '../../overlay/index.ts'
import type { DatabaseMemory } from './open-database.ts'

/** What a database does for its public methods: what implementations of `abstract-level` override. */
interface Hooks {
  readonly location: string
  _put(key: string, value: Uint8Array, options: object): Promise<void>
  _del(key: string, options: object): Promise<void>
  _batch(operations: readonly object[], options: object): Promise<void>
  _clear(options: object): Promise<void>
}

type Base = new (
  location: string,
  options: { readonly valueEncoding: 'view' } & Partial<DatabaseMemory>,
) => Level<string, Uint8Array> & Hooks

/** Opening writes the database's log once more, as a table; and some for its other files. */
const REOPEN_BYTES = 256 * 1024

/** How soon it is tried again where the disk was filled between closing and opening. */
const REOPEN_RETRY_MS = 1_000

/**
 * LevelDB, with what it promises held on a disk that fills up too. A write that fails tears LevelDB's log, and what it accepts
 * behind the tear is not read any more when the log is: acknowledged, and gone at the next start. So there is one write at
 * a time, and after one that failed none until the database was closed and opened, which reads the log to the tear and begins
 * a new one. That takes space; until there is some, writes are refused and reads go on.
 */
export class SoundLevel extends (Level as unknown as Base) {
  #last: Promise<unknown> = Promise.resolve()
  #isTorn = false
  #isEnded = false
  #timer: NodeJS.Timeout | undefined

  /** Closes it for good. */
  async end(): Promise<void> {
    this.#isEnded = true
    clearTimeout(this.#timer)
    await this.#last
    clearTimeout(this.#timer)
    await this.close()
  }

  override _put(key: string, value: Uint8Array, options: object): Promise<void> {
    return this.#write(() => super._put(key, value, options))
  }

  override _del(key: string, options: object): Promise<void> {
    return this.#write(() => super._del(key, options))
  }

  override _batch(operations: readonly object[], options: object): Promise<void> {
    return this.#write(() => super._batch(operations, options))
  }

  override _clear(options: object): Promise<void> {
    return this.#write(() => super._clear(options))
  }

  #write(run: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(async () => {
      if (this.#isTorn) await this.#reopen()
      try {
        await run()
      } catch (error) {
        this.#isTorn = true
        throw error
      }
    })
    this.#last = mine.catch(() => undefined)
    return mine
  }

  async #reopen(): Promise<void> {
    if (this.#isEnded) throw new RoostError('STORE_FAILED', `the database ${this.location} is closed`)
    await this.#demandRoom()
    await this.close()
    await this.#openAgain()
  }

  /** Whoever uses it now is told that it is closed; nobody could ask for it to be opened, so that it is tried from here. */
  async #openAgain(): Promise<void> {
    try {
      await this.open()
      this.#isTorn = false
    } catch (error) {
      this.#timer = setTimeout(() => void this.#openAgain().catch(() => undefined), REOPEN_RETRY_MS)
      throw error
    }
  }

  /** A database that was closed and cannot be opened for want of space could not even be read. */
  async #demandRoom(): Promise<void> {
    let neededBytes = REOPEN_BYTES
    for (const name of await readdir(this.location))
      if (name.endsWith('.log')) neededBytes += (await stat(join(this.location, name))).size
    const { bavail, bsize } = await statfs(this.location)
    if (bavail * bsize < neededBytes) throw new RoostError('DISK_FULL', `no space left on the disk of ${this.location}`)
  }
}
