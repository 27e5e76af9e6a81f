import { chmod, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbstractPutOptions, AbstractSublevel } from 'abstract-level'
import type { Level } from 'level'
import { RoostError } from '../../overlay/index.ts'
import { mapDiskError } from './disk-error.ts'
import { openLevel, SMALL_MEMORY } from './open-database.ts'
import type { SoundLevel } from './sound-level.ts'
import { makePrivateDirectory, writeFileAtomic } from './write-file.ts'

/** A part of the database that its holder has to itself: text keys in their order, bytes as values. */
export type Store = AbstractSublevel<Level<string, Uint8Array>, string | Buffer | Uint8Array, string, Uint8Array>

/** Where one daemon keeps everything. */
export interface DataDirectory {
  readonly path: string
  /** The whole database, for libraries that make their own parts. */
  readonly db: Level<string, Uint8Array>
  /** The part of the database under this name: lower-case letters, digits and hyphens. The same name gives the same part. */
  store(name: string): Store
  /** The path of a file in the directory. */
  file(name: string): string
  /** The path of a directory in it, which exists afterwards and is only the owner's. */
  directory(name: string): Promise<string>
  /** Closes the database; the directory is then free for another daemon. Safe to call twice. */
  close(): Promise<void>
}

/** Passed to `put`, `del` and `batch` of a store: it is on the disk, not only with the system, when they resolve. */
export const DURABLE: AbstractPutOptions<string, Uint8Array> & { readonly sync: true } = { sync: true }

const DATABASE = 'db'
const PID_FILE = 'daemon.pid'

/**
 * Opens the directory, and makes it where it is missing: for its owner alone (0700), checked to be writable, for one daemon
 * at a time. The lock is LevelDB's, an fcntl lock that the kernel drops with the process, so that nothing stale is ever left.
 * Fails with `DIRECTORY_UNWRITABLE`, `DISK_FULL`, `STORE_FAILED`, or `DAEMON_RUNNING` with `data.pid` where that is known.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await makePrivateDirectory(path)
  try {
    await chmod(path, 0o700)
  } catch (error) {
    throw mapDiskError(error, path)
  }
  const pidFile = join(path, PID_FILE)
  const db = await openDatabase(path, pidFile)
  try {
    // Only a word for whoever finds the lock taken; it is also the check that the disk takes a file.
    await writeFileAtomic(pidFile, `${process.pid}\n`)
  } catch (error) {
    await db.close().catch(() => undefined)
    throw error
  }
  return dataDirectory(path, db)
}

function dataDirectory(path: string, db: SoundLevel): DataDirectory {
  const stores = new Map<string, Store>()
  // It is opened anew after a disk was full; its parts do not come back by themselves.
  db.on('open', () => stores.forEach((store) => void store.open().catch(() => undefined)))
  let closing: Promise<void> | undefined
  return {
    path,
    db,
    store: (name) => {
      let store = stores.get(name)
      if (store === undefined) {
        store = db.sublevel<string, Uint8Array>(checkedName(name), { valueEncoding: 'view' })
        stores.set(name, store)
      }
      return store
    },
    file: (name) => join(path, name),
    directory: async (name) => {
      const directory = join(path, name)
      await makePrivateDirectory(directory)
      return directory
    },
    close: () => (closing ??= closeAll(path, db)),
  }
}

async function openDatabase(path: string, pidFile: string): Promise<SoundLevel> {
  const place = join(path, DATABASE)
  try {
    return await openLevel(place, SMALL_MEMORY)
  } catch (error) {
    if (isLocked(error)) throw await daemonRunning(path, pidFile)
    throw mapDiskError(error, path)
  }
}

async function closeAll(path: string, db: SoundLevel): Promise<void> {
  try {
    await rm(join(path, PID_FILE), { force: true })
    await db.end()
  } catch (error) {
    throw mapDiskError(error, path)
  }
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined) : undefined
  return cause?.code === 'LEVEL_LOCKED'
}

async function daemonRunning(path: string, pidFile: string): Promise<RoostError> {
  const written = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
  const pid = written > 0 && isAlive(written) ? written : undefined
  const who = pid === undefined ? 'another daemon' : `another daemon (process ${pid})`
  return new RoostError('DAEMON_RUNNING', `${who} has the data directory ${path}`, {
    data: { path, ...(pid !== undefined && { pid }) },
    hint: '`roost status` shows it, `roost down` stops it; --data chooses another directory',
  })
}

/** The file may be of a daemon that was killed before the one that has the lock has written its own. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function checkedName(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new RoostError('INTERNAL', `not a name for a store: ${name}`)
  return name
}
