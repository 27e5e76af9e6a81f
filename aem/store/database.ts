import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { RoostError } from '../../overlay/index.ts'
import { diskError } from '../disk/index.ts'

export type Write =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

export interface Range {
  readonly gte?: string
  readonly gt?: string
  readonly lt: string
  readonly limit?: number
}

/** Writes that go to the disk together, while others wait: a sync costs the same for one and for many. */
const GROUP_COUNT_MAX = 256

/** What LevelDB keeps in memory: a quarter of its own default. Logs of jobs are read seldom, and written a few records at a time. */
const MEMORY = { writeBufferSize: 1_048_576, cacheSize: 2_097_152 }

/** Opening writes the database's log once more, as a table; and some for its other files. */
const REOPEN_BYTES = 256 * 1024

interface Waiting {
  readonly writes: readonly Write[]
  readonly done: PromiseWithResolvers<void>
}

/**
 * LevelDB, with what it promises held on a disk that fills up too. A write that fails tears LevelDB's log, and what it accepts
 * behind the tear is not read any more when the log is: acknowledged, and gone at the next start. So writes go to it one
 * group at a time, and after one that failed there is none until the database was closed and opened, which reads the log to
 * the tear and begins a new one. That takes space; until there is some, writes are refused and reads go on.
 */
export class Database {
  readonly #path: string
  readonly #level: Level<string, Uint8Array>
  readonly #waiting: Waiting[] = []
  #isWriting = false
  #isTorn = false
  #isClosed = false
  /** While it is opened anew, reads wait. */
  #reopening: Promise<void> | undefined

  /** Made by `openDatabase`. */
  constructor(path: string, level: Level<string, Uint8Array>) {
    this.#path = path
    this.#level = level
  }

  /** All of them or none, on the disk when it resolves. What rejects may have landed all the same. */
  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ writes, done })
    if (!this.#isWriting) void this.#writeAll()
    await done.promise
  }

  async entries(range: Range): Promise<[string, Uint8Array][]> {
    await this.#reopening?.catch(() => undefined)
    return this.#level.iterator(range).all()
  }

  async keys(range: Range): Promise<string[]> {
    await this.#reopening?.catch(() => undefined)
    return this.#level.keys(range).all()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reopening?.catch(() => undefined)
    await this.#level.close()
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup()
      try {
        if (this.#isTorn) await (this.#reopening = this.#reopen())
        await this.#writeGroup(group.flatMap(({ writes }) => writes))
        for (const { done } of group) done.resolve()
      } catch (error) {
        for (const { done } of group) done.reject(error as Error)
      }
    }
    this.#isWriting = false
  }

  /** The first that waits, and those behind it while there is room. */
  #nextGroup(): Waiting[] {
    let count = 0
    let writesCount = 0
    for (const { writes } of this.#waiting) {
      writesCount += writes.length
      if (count > 0 && writesCount > GROUP_COUNT_MAX) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #writeGroup(writes: Write[]): Promise<void> {
    try {
      await this.#level.batch(writes, { sync: true })
    } catch (error) {
      this.#isTorn = true
      throw error
    }
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed) throw new RoostError('STORE_FAILED', `the database ${this.#path} is closed`)
    await this.#demandRoom()
    await this.#level.close()
    await this.#level.open()
    this.#isTorn = false
  }

  /** A database that was closed and cannot be opened for want of space could not even be read. */
  async #demandRoom(): Promise<void> {
    let neededBytes = REOPEN_BYTES
    for (const name of await readdir(this.#path))
      if (name.endsWith('.log')) neededBytes += (await stat(join(this.#path, name))).size
    const { bavail, bsize } = await statfs(this.#path)
    if (bavail * bsize < neededBytes) throw new RoostError('DISK_FULL', `no space left on the disk of ${this.#path}`)
  }
}

/** Opens the plugin's database; `STORE_FAILED` where it is damaged or another process has it. */
export async function openDatabase(path: string): Promise<Database> {
  const level = new Level<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view', ...MEMORY })
  try {
    await level.open()
    return new Database(path, level)
  } catch (thrown) {
    throw storeError(thrown, `the database ${path} could not be opened`)
  }
}

/** A failed operation of the database: `DISK_FULL`, `DIRECTORY_UNWRITABLE`, or `STORE_FAILED`. */
export function storeError(thrown: unknown, doing: string): RoostError {
  return diskError(thrown, doing, 'STORE_FAILED')
}
