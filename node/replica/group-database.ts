import { rename } from 'node:fs/promises'
import type { Log } from '../../overlay/contract/index.ts'
import {
  GROUP_COUNT_MAX,
  RoostError,
  shape,
  type Plain,
  type ReplicaStorage,
  type StoredReplica,
} from '../../overlay/index.ts'
import { mapDiskError, openLevel, type SoundLevel } from '../data/index.ts'
import { BatchRing } from './batch-ring.ts'
import { GroupCommit, type Operation } from './group-commit.ts'
import { GroupPlace } from './group-place.ts'
import { groupKey, GROUPS, isDamage, placeKeys, placeOf, PLACES, seal, unseal } from './records.ts'
import { recover } from './recovery.ts'
import { asidePath, removeAside, SET_ASIDE_DEFAULTS, type SetAsideOptions } from './set-aside.ts'
import { Sweeper } from './sweeper.ts'

/** Where a group lies. Of what was damaged, the last is kept for whoever can make something of it. */
interface GroupRecord {
  readonly group: string
  /** Which service keeps it. */
  readonly kind: string
  readonly place: number
  readonly damagedPlace?: number
  /** When that was set aside, by the wall clock. */
  readonly damagedAtMs?: number
}

export interface LoadedGroup {
  readonly storage: ReplicaStorage
  /** Undefined for a replica that begins empty. */
  readonly stored: StoredReplica | undefined
}

const readRecord = shape.record({
  group: shape.text(64),
  kind: shape.text(64),
  place: shape.integer(),
  damagedPlace: shape.optional(shape.integer()),
  damagedAtMs: shape.optional(shape.integer()),
}) as shape.Shape<GroupRecord>

/** Between two looks for what was set aside long ago. */
const REMOVE_ASIDE_MS = 86_400_000

/** Group ids stand in keys as they are. */
const GROUP = /^[a-z0-9._~-]{1,64}$/

/**
 * The replicas of a node on its disk: one database, one sync, for all groups. What was told to be settled outlives any crash.
 * A group whose log is damaged begins empty, in another place, and is somebody else to its group then; nothing is made up to fill a hole.
 */
export class GroupDatabase {
  readonly #level: SoundLevel
  readonly #log: Log
  readonly #setAside: SetAsideOptions
  readonly #ring = new BatchRing()
  readonly #commit: GroupCommit
  readonly #sweeper: Sweeper
  readonly #records = new Map<string, GroupRecord>()
  /** Groups whose snapshot could not be read: they begin empty when they are loaded again. */
  readonly #damaged = new Map<string, RoostError>()
  /** Groups whose record is being changed for another reason: what they have set aside is for the next look. */
  readonly #changing = new Set<string>()
  #nextPlace = 1
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  private constructor(level: SoundLevel, log: Log, setAside: SetAsideOptions) {
    this.#level = level
    this.#log = log
    this.#setAside = setAside
    this.#commit = new GroupCommit(level, this.#ring)
    this.#sweeper = new Sweeper(level)
  }

  /**
   * Opens the database in a directory, which it makes. One that cannot be read at all is set aside under another name, and all groups begin
   * empty. What was set aside goes after a time, and is looked for now and once a day. Fails with `DISK_FULL`, `DIRECTORY_UNWRITABLE` or
   * `STORE_FAILED`.
   */
  static async open(path: string, log: Log, options: Partial<SetAsideOptions> = {}): Promise<GroupDatabase> {
    const setAside = { ...SET_ASIDE_DEFAULTS, ...options }
    const opened = async (): Promise<GroupDatabase> => {
      const level = await openLevel(path)
      try {
        const database = new GroupDatabase(level, log, setAside)
        await database.#ring.read(level)
        await database.#readRecords()
        database.#watchAside()
        return database
      } catch (error) {
        await level.end()
        throw error
      }
    }
    try {
      return await opened()
    } catch (error) {
      if (!isDamage(error)) throw mapDiskError(error, path)
      const aside = asidePath(path, Date.now())
      log.error(
        { path, aside, error },
        'the database of replica groups is damaged and set aside; its groups bring this node up to date where most of their members are whole',
      )
      await rename(path, aside)
      return opened()
    }
  }

  list(): readonly { readonly group: string; readonly kind: string }[] {
    return [...this.#records.values()].map(({ group, kind }) => ({ group, kind }))
  }

  has(group: string): boolean {
    return this.#records.has(group)
  }

  /** Syncs so far, and the writes that they were for. */
  get counts(): { readonly batches: number; readonly writes: number } {
    return this.#commit.counts
  }

  /** Makes room for a group that this node has nothing of: `CONFLICT` where it has, `BUSY` beyond `GROUP_COUNT_MAX` groups. */
  async add(group: string, kind: string): Promise<void> {
    if (!GROUP.test(group)) throw new RoostError('INTERNAL', `not an id of a group: ${group}`)
    if (this.#records.has(group)) throw new RoostError('CONFLICT', `this node has group ${group} already`)
    if (this.#records.size >= GROUP_COUNT_MAX)
      throw new RoostError('BUSY', `this node keeps ${GROUP_COUNT_MAX} groups already`)
    const record = { group, kind, place: this.#nextPlace++ }
    // It counts at once, so that nobody adds it twice; what is written to its place lands behind it.
    this.#records.set(group, record)
    try {
      await this.#keep(record)
    } catch (error) {
      this.#records.delete(group)
      throw error
    }
  }

  /** What the disk has of a group. At most one replica of it may be open; after a failed write it is loaded anew. */
  async load(group: string): Promise<LoadedGroup> {
    const record = this.#records.get(group)
    if (record === undefined) throw new RoostError('INTERNAL', `nothing of group ${group} is here`)
    // A write that failed may have torn the log: with the next the database is opened anew, and only then is it read.
    if (this.#commit.hasFailed) await this.#keep(record)
    try {
      const known = this.#damaged.get(group)
      if (known) throw known
      return await this.#read(record)
    } catch (error) {
      if (!isDamage(error)) throw mapDiskError(error, this.#level.location)
      const { place } = record
      this.#log.error(
        { group, place, path: this.#level.location, error },
        'the log of a replica group is damaged and set aside; the group brings this node up to date where most of its members are whole',
      )
      if (record.damagedPlace !== undefined) this.#sweeper.sweep(placeKeys(record.damagedPlace).all)
      const moved = { ...record, place: this.#nextPlace++, damagedPlace: place, damagedAtMs: Date.now() }
      await this.#change(group, () => this.#keep(moved))
      this.#damaged.delete(group)
      return await this.#read(this.#records.get(group)!)
    }
  }

  /** What lies here of a group goes, for good. */
  async forget(group: string): Promise<void> {
    const record = this.#records.get(group)
    if (record === undefined) return
    await this.#change(group, async () => {
      await this.#commit.written([{ type: 'del', key: groupKey(group) }])
      this.#records.delete(group)
    })
    this.#damaged.delete(group)
    this.#sweeper.sweep(placeKeys(record.place).all)
    if (record.damagedPlace !== undefined) this.#sweeper.sweep(placeKeys(record.damagedPlace).all)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    await this.#sweeper.end()
    await this.#level.end()
  }

  /** Removes what was set aside long ago. */
  async removeAside(nowMs = Date.now()): Promise<void> {
    await removeAside(this.#level.location, this.#setAside, { nowMs, log: this.#log })
    for (const record of [...this.#records.values()]) {
      const { damagedPlace, damagedAtMs = 0, ...rest } = record
      if (damagedPlace === undefined || this.#changing.has(record.group)) continue
      if (nowMs - damagedAtMs < this.#setAside.keepMs) continue
      await this.#keep(rest)
      this.#sweeper.sweep(placeKeys(damagedPlace).all)
      this.#log.info({ group: record.group, atMs: damagedAtMs }, 'a damaged log that was set aside is removed')
    }
  }

  async #change(group: string, act: () => Promise<void>): Promise<void> {
    this.#changing.add(group)
    try {
      await act()
    } finally {
      this.#changing.delete(group)
    }
  }

  #watchAside(): void {
    const look = (): void => {
      this.#looking = this.removeAside().catch((error: unknown) => {
        this.#log.warn({ error }, 'what was set aside of replica groups cannot be removed now')
      })
    }
    look()
    this.#timer = setInterval(look, REMOVE_ASIDE_MS).unref()
  }

  async #read({ group, place }: GroupRecord): Promise<LoadedGroup> {
    const keys = placeKeys(place)
    const { head, lastIndex, stored, garbage } = await recover(this.#level, keys)
    this.#sweeper.sweep(...garbage)
    const storage = new GroupPlace(
      {
        keys,
        commit: this.#commit,
        sweeper: this.#sweeper,
        level: this.#level,
        onDamage: (error) => this.#damaged.set(group, error),
      },
      { head, lastIndex },
    )
    return { storage, stored }
  }

  async #keep(record: GroupRecord): Promise<void> {
    const key = groupKey(record.group)
    const operation: Operation = { type: 'put', key, value: seal(key, record as unknown as Plain) }
    await this.#commit.written([operation])
    this.#records.set(record.group, record)
  }

  async #readRecords(): Promise<void> {
    let isWhole = true
    for await (const [key, sealed] of this.#level.iterator(GROUPS)) {
      try {
        const record = readRecord(unseal(key, sealed), key)
        this.#records.set(record.group, record)
      } catch (error) {
        if (!isDamage(error)) throw error
        isWhole = false
        this.#log.error({ key, error }, 'where a replica group lies is damaged; what is left of it is not touched')
      }
    }
    await this.#findPlaces(isWhole)
  }

  /** Places that no group has were left by a crash; they go, unless a group's record is damaged, whose they may be. */
  async #findPlaces(isWhole: boolean): Promise<void> {
    const used = new Set([...this.#records.values()].flatMap(({ place, damagedPlace }) => [place, damagedPlace]))
    let from = PLACES.gte
    for (;;) {
      const [key] = await this.#level.keys({ gte: from, lt: PLACES.lt, limit: 1 }).all()
      if (key === undefined) break
      const place = placeOf(key)
      const { all } = placeKeys(place)
      if (isWhole && !used.has(place)) this.#sweeper.sweep(all)
      used.add(place)
      from = all.lt
    }
    this.#nextPlace = Math.max(0, ...[...used].map((place) => place ?? 0)) + 1
  }
}
