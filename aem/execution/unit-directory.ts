import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, lstatSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { chown, lchown, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { CgroupRecord } from './cgroup/index.ts'
import { parseUnitId, type UnitExit, type UnitOrder } from '../protocol/index.ts'
import { readMark, type ProcessMark } from './process.ts'
import { EXIT_RECORD_BLANK } from './shim.ts'

/**
 * What is on disk of one unit: `work` (its sandbox), `tmp`, `stdout`, `stderr`, the `order`, and the files through which
 * the shim speaks (shim.ts); `view`, where an isolated unit's view of the machine is put together; and `cgroup`, where its control group is. Every start has a directory with a name of its own, so that a shim that comes too late finds
 * the path of its life gone and not somebody else's.
 */
export class UnitDirectory {
  readonly path: string
  readonly work: string
  readonly tmp: string
  readonly view: string

  constructor(path: string) {
    this.path = path
    this.work = join(path, 'work')
    this.tmp = join(path, 'tmp')
    this.view = join(path, 'view')
  }

  /** Makes it, readable by nobody else, with the order in it and room for the exit record. */
  static async create(root: string, order: UnitOrder): Promise<UnitDirectory> {
    const directory = new UnitDirectory(join(root, `${order.unitId}.${randomBytes(4).toString('hex')}`))
    await mkdir(directory.path, { mode: 0o700 })
    try {
      await Promise.all([
        mkdir(directory.work, { mode: 0o700 }),
        mkdir(directory.tmp, { mode: 0o700 }),
        mkdir(directory.view, { mode: 0o700 }),
        writeFile(directory.#file('order'), JSON.stringify({ bootId: bootId(), order }), PRIVATE),
        writeFile(directory.#file('exit'), EXIT_RECORD_BLANK, PRIVATE),
        writeFile(directory.stream('stdout'), '', PRIVATE),
        writeFile(directory.stream('stderr'), '', PRIVATE),
      ])
    } catch (thrown) {
      directory.remove()
      throw thrown
    }
    return directory
  }

  /** Those under `root`, with the id that their name says. */
  static async list(root: string): Promise<{ unitId: string; directory: UnitDirectory }[]> {
    const found = []
    for (const name of await readdir(root)) {
      const unitId = name.replace(/\.[0-9a-f]{8}$/, '')
      if (parseUnitId(unitId)) found.push({ unitId, directory: new UnitDirectory(join(root, name)) })
    }
    return found
  }

  stream(name: 'stdout' | 'stderr'): string {
    return this.#file(name)
  }

  /** The order, and whether the machine was started anew since; undefined where it was never written whole. */
  async readOrder(): Promise<{ order: UnitOrder; isFromThisBoot: boolean } | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#file('order'), 'utf8')) as { bootId: string; order: UnitOrder }
      return { order: record.order, isFromThisBoot: record.bootId === bootId() }
    } catch {
      return undefined
    }
  }

  get shim(): ProcessMark | undefined {
    return readMark(this.#file('shim'))
  }

  get group(): ProcessMark | undefined {
    return readMark(this.#file('group'))
  }

  get isClaimed(): boolean {
    return existsSync(this.#file('claim'))
  }

  /** Takes the right to start away from the shim; false where the shim has it already. */
  claim(): boolean {
    try {
      closeSync(openSync(this.#file('claim'), 'wx', 0o600))
      return true
    } catch {
      return false
    }
  }

  /** Says that the shim is gone: a unit that has not come to its command yet will not. */
  declareDead(): void {
    closeSync(openSync(this.#file('dead'), 'w', 0o600))
  }

  /** How the unit ended, as its shim wrote it; undefined before. */
  readExit(): UnitExit | undefined {
    try {
      return parseExit(readFileSync(this.#file('exit'), 'utf8'))
    } catch {
      return undefined
    }
  }

  /** Writes an exit record in place of a shim that could not. */
  async writeExit(exit: UnitExit): Promise<void> {
    await writeFile(this.#file('verdict'), JSON.stringify(exit), PRIVATE)
  }

  /** What `writeExit` wrote. */
  readVerdict(): UnitExit | undefined {
    try {
      return JSON.parse(readFileSync(this.#file('verdict'), 'utf8')) as UnitExit
    } catch {
      return undefined
    }
  }

  /** Where the unit's socket lies, if it has one, which the unit knows by its environment. */
  readSocketPath(): string | undefined {
    try {
      return readFileSync(this.#file('socket-path'), 'utf8')
    } catch {
      return undefined
    }
  }

  async writeSocketPath(path: string): Promise<void> {
    await writeFile(this.#file('socket-path'), path, PRIVATE)
  }

  /** Where its control group is, if it has one. */
  readCgroup(): CgroupRecord | undefined {
    try {
      const record = JSON.parse(readFileSync(this.#file('cgroup'), 'utf8')) as CgroupRecord
      // Each is named as this directory is: whatever else stands there, nobody else's group is meant.
      const isOurs = Object.values(record.directories).every((directory) => basename(directory) === basename(this.path))
      return isOurs ? record : undefined
    } catch {
      return undefined
    }
  }

  async writeCgroup(record: CgroupRecord): Promise<void> {
    await writeFile(this.#file('cgroup'), JSON.stringify(record), PRIVATE)
  }

  /** Since when it is suspended, in seconds since the machine began; undefined where it is not. */
  get suspendedAtS(): number | undefined {
    return readNumber(this.#file('suspended'))
  }

  async markSuspended(atS: number): Promise<void> {
    await this.#replace('suspended', `${atS}\n`)
  }

  unmarkSuspended(): void {
    rmSync(this.#file('suspended'), { force: true })
  }

  /** Adds to the time that it was suspended. */
  async addPaused(pausedMs: number): Promise<void> {
    const beforeMs = readNumber(this.#file('paused')) ?? 0
    await this.#replace('paused', `${Math.round(beforeMs + pausedMs)}\n`)
  }

  /** Makes what a unit may touch another user's. Links are not followed. */
  async give({ uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
    const within = await readdir(this.work, { recursive: true })
    for (const path of [this.work, this.tmp, ...within.map((name) => join(this.work, name))])
      await lchown(path, uid, gid)
    // A program may open its output again, by /dev/stdout.
    for (const name of ['stdout', 'stderr'] as const) await chown(this.stream(name), uid, gid)
  }

  remove(): void {
    this.removeSocket()
    rmSync(this.path, { recursive: true, force: true })
  }

  /**
   * Removes the socket, and the directory that it may have elsewhere. The unit could have written the path itself: nothing is removed
   * but a socket and an empty directory.
   */
  removeSocket(): void {
    const path = this.readSocketPath()
    if (path === undefined) return
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path, { force: true })
    if (dirname(path) !== this.path) removeEmpty(dirname(path))
  }

  /** Whoever reads it sees what stood there before or all of this. */
  async #replace(name: string, text: string): Promise<void> {
    await writeFile(this.#file(`${name}.new`), text, PRIVATE)
    await rename(this.#file(`${name}.new`), this.#file(name))
  }

  #file(name: string): string {
    return join(this.path, name)
  }
}

/** `exited 3 .`, `timeout 143 .` or `oom 137 .`; the full stop shows that it is whole. */
export function parseExit(text: string): UnitExit | undefined {
  const match = /^(exited|timeout|oom) (\d{1,3}) \.\s/.exec(text)
  if (!match) return undefined
  if (match[1] === 'timeout' || match[1] === 'oom') return { kind: match[1] }
  const status = Number(match[2])
  const signal = SIGNAL_BY_NUMBER.get(status - 128)
  return signal === undefined ? { kind: 'exited', code: status } : { kind: 'signalled', signal }
}

function readNumber(file: string): number | undefined {
  try {
    const number = Number(readFileSync(file, 'utf8'))
    return Number.isFinite(number) ? number : undefined
  } catch {
    return undefined
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // It is gone already, or not ours.
  }
}

const SIGNAL_BY_NUMBER: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name.slice('SIG'.length)]),
)

const PRIVATE = { mode: 0o600 } as const

/** Names this run of the machine; empty where the system does not say. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
