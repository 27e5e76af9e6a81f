import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Level } from 'level'
import { describe, expect, onTestFinished, test } from 'vitest'
import { GroupDatabase } from '../../../node/replica/index.ts'
import type { ChunkOutcome, ReplicaStorage, StorageWrite, StoredReplica } from '../../../overlay/index.ts'
import { NO_MOUNT, SmallDisk } from '../../support/small-disk.ts'
import { temporaryDirectory } from '../data/temporary.ts'
import { entryOf, ModelDisk, snapshotOf, writesOf } from './stored-states.ts'

const errors: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = []
const nothing = (): void => undefined
const log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: (fields: Readonly<Record<string, unknown>>, message: string) => void errors.push({ message, fields }),
}

function persisted(storage: ReplicaStorage, write: StorageWrite): Promise<void> {
  return new Promise((resolve, reject) => storage.persist(write, (error) => (error ? reject(error) : resolve())))
}

function chunkOf(storage: ReplicaStorage, id: string, number: number): Promise<ChunkOutcome> {
  return new Promise((resolve) => storage.readChunk(id, number, resolve))
}

/** Opens a database, loads one group and closes it. */
async function storedIn(path: string, group = 'group'): Promise<StoredReplica | undefined> {
  const database = await GroupDatabase.open(path, log)
  try {
    return database.has(group) ? (await database.load(group)).stored : undefined
  } finally {
    await database.close()
  }
}

async function begun(path: string, group = 'group') {
  const database = await GroupDatabase.open(path, log)
  await database.add(group, 'notes')
  return { database, ...(await database.load(group)) }
}

/** A group's writes, each synced, and what should be there after each; the first is of an empty disk. */
async function written(path: string, steps: readonly number[]): Promise<(StoredReplica | undefined)[]> {
  const model = new ModelDisk()
  const states = [model.stored]
  const { database, storage } = await begun(path)
  for (const write of writesOf(steps)) {
    await persisted(storage, write)
    model.write(write)
    states.push(model.stored)
  }
  await database.close()
  return states
}

/** LevelDB's own log of what is not in its tables yet. */
function logFile(path: string): string {
  return join(
    path,
    readdirSync(path).find((name) => name.endsWith('.log') && statSync(join(path, name)).size > 0)!,
  )
}

const STEPS = [5, 13, 21, 0, 1, 2, 3, 5, 9, 29, 11, 7, 4, 5, 6, 2, 10, 15, 1, 3, 12, 5, 5]

describe('a group on the disk', () => {
  test('is after any writes and restarts what it would be in memory', async () => {
    const path = temporaryDirectory()
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2_400), { maxLength: 25 }), fc.nat(5), async (steps, restartEvery) => {
        const group = `group-${count++}`
        const model = new ModelDisk()
        let { database, storage } = await begun(path, group)
        for (const [index, write] of writesOf(steps).entries()) {
          storage.persist(write, () => undefined)
          model.write(write)
          if (index % 6 !== restartEvery) continue
          await persisted(storage, {})
          await database.close()
          database = await GroupDatabase.open(path, log)
          const loaded = await database.load(group)
          storage = loaded.storage
          expect(loaded.stored).toEqual(model.stored)
        }
        await persisted(storage, {})
        await database.close()
        expect(await storedIn(path, group)).toEqual(model.stored)
      }),
      { numRuns: 25, seed: 1 },
    )
  })

  test('has its writes settled in order, and what waits goes to the disk together, of all groups', async () => {
    const { database, storage } = await begun(temporaryDirectory())
    onTestFinished(() => database.close())
    await database.add('other', 'notes')
    const other = (await database.load('other')).storage
    const settled: number[] = []
    const before = database.counts
    const last = Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const write = { entries: [entryOf((index >> 1) + 1, 1)] }
        return persisted(index % 2 === 0 ? storage : other, write).then(() => settled.push(index))
      }),
    )
    expect(settled).toEqual([])
    await last
    expect(settled).toEqual(Array.from({ length: 100 }, (_, index) => index))
    expect(database.counts.writes - before.writes).toBe(100)
    expect(database.counts.batches - before.batches).toBe(1)
  })

  test('gives the chunks of its snapshot, and no others', async () => {
    const path = temporaryDirectory()
    const { database, storage } = await begun(path)
    for (const id of ['first', 'second'])
      for (const number of [1, 0]) await persisted(storage, { chunk: { snapshotId: id, number, chunk: [id, number] } })
    await persisted(storage, { hardState: { term: 1, incarnation: 1 }, snapshot: snapshotOf('second', 9, 1, 2) })
    expect(await chunkOf(storage, 'second', 1)).toEqual({ chunk: ['second', 1] })
    await database.close()
    const again = await GroupDatabase.open(path, log)
    onTestFinished(() => again.close())
    const loaded = await again.load('group')
    expect(await chunkOf(loaded.storage, 'second', 0)).toEqual({ chunk: ['second', 0] })
    expect(await chunkOf(loaded.storage, 'first', 0)).toMatchObject({ error: { code: 'STORE_FAILED' } })
  })

  test('leaves nothing behind when it is forgotten', async () => {
    const path = temporaryDirectory()
    await written(path, STEPS)
    const database = await GroupDatabase.open(path, log)
    await database.forget('group')
    await database.add('group', 'notes')
    expect((await database.load('group')).stored).toBeUndefined()
    await database.close()
  })
})

describe('a crash', () => {
  test('at any byte of the log leaves whole writes, in their order, and none is torn', async () => {
    const path = temporaryDirectory()
    const states = await written(join(path, 'db'), STEPS)
    const file = logFile(join(path, 'db'))
    const size = statSync(file).size
    let mostCount = -1
    for (let bytes = 0; bytes <= size; bytes += Math.max(1, Math.floor(size / 60))) {
      const copy = copied(path)
      writeFileSync(logFile(copy), readFileSync(file).subarray(0, bytes))
      const stored = await storedIn(copy)
      const place = placeIn(states, stored)
      expect(place).toBeGreaterThanOrEqual(mostCount === -1 ? 0 : mostCount)
      mostCount = place
    }
    expect(errors).toEqual([])
    expect(await storedIn(join(path, 'db'))).toEqual(states.at(-1))
  })

  test('of a process that is killed while it writes loses nothing that was settled', async () => {
    for (let round = 0; round < 3; round++) {
      const path = join(temporaryDirectory(), 'db')
      const child = spawn(process.execPath, [join(import.meta.dirname, 'group-writer.ts'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const settled = { one: 0, two: 0 }
      await new Promise<void>((resolve) => {
        let rest = ''
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          const lines = (rest + text).split('\n')
          rest = lines.pop()!
          for (const line of lines) {
            const [group, index] = line.split(' ') as ['one' | 'two', string]
            settled[group] = Number(index)
          }
          if (Math.min(settled.one, settled.two) > 60 * (round + 1)) child.kill('SIGKILL')
        })
        child.once('close', () => resolve())
      })
      const database = await GroupDatabase.open(path, log)
      for (const group of ['one', 'two'] as const) {
        const entries = (await database.load(group)).stored!.entries
        expect(entries.map(({ index }) => index)).toEqual(entries.map((_, place) => place + 1))
        expect(entries.length).toBeGreaterThanOrEqual(settled[group])
      }
      await database.close()
    }
    expect(errors).toEqual([])
  })
})

describe('a disk that has changed what was written', () => {
  test('gives what was written, up to some write, or nothing and says so: never a log with a hole', async () => {
    const path = temporaryDirectory()
    const states = await written(join(path, 'db'), [...STEPS, ...STEPS, ...STEPS])
    const size = statSync(logFile(join(path, 'db'))).size
    let emptyCount = 0
    for (let flip = 0; flip < 40; flip++) {
      errors.length = 0
      const copy = copied(path)
      const bytes = readFileSync(logFile(copy))
      bytes[Math.floor((size * (flip + 0.5)) / 40)]! ^= 0x55
      writeFileSync(logFile(copy), bytes)
      const stored = await storedIn(copy)
      if (errors.length > 0) {
        emptyCount++
        expect(stored).toBeUndefined()
        expect(errors[0]!.message).toMatch(/set aside/)
      } else expect(placeIn(states, stored)).toBeGreaterThanOrEqual(0)
    }
    errors.length = 0
    expect(emptyCount).toBeGreaterThan(0)
  })

  test('costs a group whose snapshot it was its place, and no other group', async () => {
    const path = temporaryDirectory()
    const { database, storage } = await begun(path)
    await database.add('other', 'notes')
    const other = (await database.load('other')).storage
    await persisted(other, { hardState: { term: 1, incarnation: 1 }, entries: [entryOf(1, 1)] })
    await persisted(storage, { chunk: { snapshotId: 'id', number: 0, chunk: 'first' } })
    await persisted(storage, { hardState: { term: 1, incarnation: 1 }, snapshot: snapshotOf('id', 9, 1, 2) })
    // Its second chunk was never there.
    expect(await chunkOf(storage, 'id', 1)).toMatchObject({ error: { code: 'STORE_FAILED' } })
    errors.length = 0
    expect((await database.load('group')).stored).toBeUndefined()
    expect(errors).toMatchObject([{ fields: { group: 'group', place: 1 } }])
    expect((await database.load('other')).stored!.entries).toHaveLength(1)
    await database.close()
    errors.length = 0
    expect(await storedIn(path)).toBeUndefined()
    expect(errors).toEqual([])
  })

  test('and cannot be opened is set aside whole', async () => {
    const path = join(temporaryDirectory(), 'db')
    await written(path, STEPS)
    writeFileSync(join(path, 'CURRENT'), 'nonsense')
    errors.length = 0
    expect(await storedIn(path)).toBeUndefined()
    expect(errors).toMatchObject([{ fields: { path, aside: expect.stringContaining('damaged') } }])
    errors.length = 0
  })
})

describe('what was set aside', () => {
  const DAY_MS = 86_400_000

  test('of a group goes after a time, and the group stays', async () => {
    const path = temporaryDirectory()
    const { database, storage } = await begun(path)
    await persisted(storage, { hardState: { term: 1, incarnation: 1 }, snapshot: snapshotOf('id', 9, 1, 2) })
    expect(await chunkOf(storage, 'id', 1)).toMatchObject({ error: { code: 'STORE_FAILED' } })
    const again = await database.load('group')
    await persisted(again.storage, { hardState: { term: 2, incarnation: 2 } })
    expect(await placesIn(database, path)).toEqual([1, 2])
    const reopened = await GroupDatabase.open(path, log, { keepMs: DAY_MS })
    await reopened.removeAside(Date.now() + DAY_MS - 60_000)
    expect(await placesIn(reopened, path)).toEqual([1, 2])
    const later = await GroupDatabase.open(path, log, { keepMs: DAY_MS })
    await later.removeAside(Date.now() + DAY_MS + 1)
    expect(await placesIn(later, path)).toEqual([2])
    expect((await storedIn(path))!.hardState.term).toBe(2)
    errors.length = 0
  })

  test('whole is kept for a time, and no more than a few', async () => {
    const folder = temporaryDirectory()
    const path = join(folder, 'db')
    const nowMs = Date.now()
    for (const atMs of [nowMs - 9 * DAY_MS, nowMs - 2_000, nowMs - 1_000, nowMs])
      mkdirSync(`${path}.damaged-${atMs}`, { recursive: true })
    mkdirSync(`${path}.damaged-by-hand`)
    const names = (): string[] => readdirSync(folder).filter((name) => name.includes('damaged'))
    const database = await GroupDatabase.open(path, log, { keepMs: DAY_MS, databaseCountMax: 2 })
    await database.close()
    expect(names()).toEqual([`db.damaged-${nowMs - 1_000}`, `db.damaged-${nowMs}`, 'db.damaged-by-hand'])
    const later = await GroupDatabase.open(path, log, { keepMs: DAY_MS })
    await later.removeAside(nowMs + 2 * DAY_MS)
    await later.close()
    expect(names()).toEqual(['db.damaged-by-hand'])
  })
})

/** The places that a database has, once it is closed: it has swept by then. */
async function placesIn(database: GroupDatabase, path: string): Promise<number[]> {
  await database.close()
  const level = new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
  const keys = await level.keys({ gte: 'p/', lt: 'p0' }).all()
  await level.close()
  return [...new Set(keys.map((key) => Number(key.slice(2, 18))))]
}

test('a full disk fails what it cannot take and all behind it; what was settled is there when there is space again', async (context) => {
  const disk = SmallDisk.mount(2_048)
  if (disk === undefined) return context.skip(NO_MOUNT)
  onTestFinished(() => disk.unmount())
  const { database, storage } = await begun(join(disk.path, 'db'))
  await persisted(storage, { hardState: { term: 1, incarnation: 1 } })
  await persisted(storage, { entries: [entryOf(1, 1)] })
  disk.fill()
  const large = 'x'.repeat(60_000)
  const refused = [2, 3, 4].map((index) => persisted(storage, { entries: [entryOf(index, 1, large)] }))
  for (const outcome of await Promise.allSettled(refused))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'DISK_FULL' } })
  await expect(database.load('group')).rejects.toMatchObject({ code: 'DISK_FULL' })
  disk.free()
  const again = await database.load('group')
  expect(again.stored!.entries[0]).toEqual(entryOf(1, 1))
  await persisted(again.storage, { entries: [entryOf(2, 1)] })
  await expect(persisted(storage, { entries: [entryOf(3, 1)] })).rejects.toMatchObject({ code: 'DISK_FULL' })
  await database.close()
  expect((await storedIn(join(disk.path, 'db')))!.entries.map(({ index }) => index)).toEqual([1, 2])
})

/** After which write it was so; -1 where it never was. */
function placeIn(states: readonly unknown[], stored: unknown): number {
  return states.findLastIndex((state) => isDeepStrictEqual(state, stored))
}

let copyCount = 0
function copied(path: string): string {
  const copy = join(path, `copy-${copyCount++}`)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy)
  cpSync(join(path, 'db'), copy, { recursive: true })
  return copy
}
