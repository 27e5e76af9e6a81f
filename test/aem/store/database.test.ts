import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase, storeError, type Database } from '../../../aem/store/database.ts'
import { NO_MOUNT, SmallDisk } from '../../support/small-disk.ts'
import { temporaryDirectory } from '../execution/fixture.ts'

const ALL = { gte: '', lt: '~' }
const put = (key: string, bytes = 1_000): { type: 'put'; key: string; value: Uint8Array } => ({
  type: 'put',
  key,
  value: new Uint8Array(bytes),
})

function smallDisk(): SmallDisk | undefined {
  const disk = SmallDisk.mount(2_048)
  if (disk) onTestFinished(() => disk.unmount())
  return disk
}

/** What is there after a crash at this moment: what the files say, opened elsewhere. */
async function afterCrash(path: string): Promise<string[]> {
  const copy = join(temporaryDirectory(), 'database')
  cpSync(path, copy, { recursive: true })
  const database = await openDatabase(copy)
  const keys = await database.keys(ALL)
  await database.close()
  return keys
}

/** Writes until the disk is full; the keys that were acknowledged. */
async function writeUntilFull(database: Database, disk: SmallDisk): Promise<string[]> {
  const acknowledged: string[] = []
  for (let index = 0; index < 100; index++) {
    if (index === 10) disk.fill()
    try {
      await database.write([put(`before-${index}`)])
      acknowledged.push(`before-${index}`)
    } catch (error) {
      expect(storeError(error, 'writing')).toMatchObject({ code: 'DISK_FULL' })
      return acknowledged
    }
  }
  throw new Error('the disk never was full')
}

test('what is acknowledged after a disk was full outlives a crash, as what was before does', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip(NO_MOUNT)
  const path = join(disk.path, 'database')
  const database = await openDatabase(path)
  onTestFinished(() => database.close())
  const acknowledged = await writeUntilFull(database, disk)
  await expect(database.write([put('refused')])).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(await database.keys(ALL)).toEqual(expect.arrayContaining(acknowledged))

  disk.free()
  for (let index = 0; index < 10; index++) {
    await database.write([put(`after-${index}`)])
    acknowledged.push(`after-${index}`)
  }
  expect(await afterCrash(path)).toEqual(expect.arrayContaining(acknowledged))
})

test('many that write at once while the disk fills and is freed again lose nothing that was acknowledged', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip(NO_MOUNT)
  const path = join(disk.path, 'database')
  const database = await openDatabase(path)
  onTestFinished(() => database.close())
  const acknowledged: string[] = []
  let refusedCount = 0
  for (let round = 0; round < 12; round++) {
    if (round % 3 === 1) disk.fill()
    if (round % 3 === 2) disk.free()
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const key = `${round}-${index}`
        await database.write([put(key, 100), put(`${key}-too`, 100)]).then(
          () => acknowledged.push(key, `${key}-too`),
          () => refusedCount++,
        )
      }),
    )
  }
  expect(refusedCount).toBeGreaterThan(0)
  expect(await afterCrash(path)).toEqual(expect.arrayContaining(acknowledged))
})

test('writes of one moment land in their order', async () => {
  const path = join(temporaryDirectory(), 'database')
  const database = await openDatabase(path)
  onTestFinished(() => database.close())
  const writes = Array.from({ length: 1_000 }, (_, index) =>
    database.write([{ type: 'put', key: 'same', value: Uint8Array.of(index & 0xff, index >> 8) }]),
  )
  await Promise.all(writes)
  const [[, value]] = (await database.entries(ALL)) as [[string, Uint8Array]]
  expect([...value]).toEqual([999 & 0xff, 999 >> 8])
})
