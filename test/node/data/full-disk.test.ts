import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { DURABLE, mapDiskError, openDataDirectory, writeFileAtomic } from '../../../node/data/index.ts'
import { loadOrCreateKey } from '../../../node/keys/index.ts'
import { NO_MOUNT, SmallDisk } from '../../support/small-disk.ts'
import { temporaryDirectory } from './temporary.ts'

const DISK_KIB = 512

/** A disk of half a mebibyte; undefined where this machine does not let us mount one. */
function smallDisk(kib = DISK_KIB): SmallDisk | undefined {
  const disk = SmallDisk.mount(kib)
  if (disk) onTestFinished(() => disk.unmount())
  return disk
}

const full = { code: 'DISK_FULL', message: expect.stringContaining('no space left') }

test('a full disk is told as such, wherever it is met, and old files stay whole', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip(NO_MOUNT)
  const file = join(disk.path, 'kept')
  await writeFileAtomic(file, 'old')
  disk.fill()
  await expect(writeFileAtomic(file, 'new'.repeat(10_000))).rejects.toMatchObject(full)
  expect(readFileSync(file, 'utf8')).toBe('old')
  await expect(loadOrCreateKey(join(disk.path, 'node.key'))).rejects.toMatchObject(full)
  await expect(openDataDirectory(join(disk.path, 'data'))).rejects.toMatchObject(full)
  expect(readdirSync(disk.path).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('a database that fills its disk says so, and keeps what it acknowledged', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip(NO_MOUNT)
  const path = join(disk.path, 'data')
  const data = await openDataDirectory(path)
  const acknowledged: string[] = []
  const filling = async (): Promise<void> => {
    for (let index = 0; index < DISK_KIB; index++) {
      await data.store('jobs').put(`${index}`, new Uint8Array(4_096), DURABLE)
      acknowledged.push(`${index}`)
    }
  }
  const error: unknown = await filling().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(mapDiskError(error, path)).toMatchObject(full)
  const kept = await data.store('jobs').keys().all()
  await data.close().catch(() => undefined)
  expect(acknowledged.filter((key) => !kept.includes(key))).toEqual([])
})

test('what is acknowledged after the disk was full outlives a crash, in every part of the database', async (context) => {
  const disk = smallDisk(2_048)
  if (disk === undefined) return context.skip(NO_MOUNT)
  const path = join(disk.path, 'data')
  const data = await openDataDirectory(path)
  onTestFinished(() => data.close().catch(() => undefined))
  const [tickets, node] = [data.store('tickets'), data.store('node')]
  const acknowledged: string[] = []
  const putAll = async (round: string): Promise<void> => {
    for (let index = 0; index < 20; index++)
      for (const [name, store] of Object.entries({ tickets, node })) {
        await store.put(`${round}-${index}`, new Uint8Array(2_000), DURABLE)
        acknowledged.push(`!${name}!${round}-${index}`)
      }
    await data.db.put(`/${round}`, new Uint8Array(10))
    acknowledged.push(`/${round}`)
  }
  await putAll('before')
  disk.fill()
  const refused = putAll('during').then(() => putAll('during-too'))
  await expect(refused.catch((error: unknown) => Promise.reject(mapDiskError(error, path)))).rejects.toMatchObject(full)
  await expect(data.db.put('/refused', new Uint8Array(10))).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(await tickets.get('before-0')).toHaveLength(2_000)

  disk.free()
  await data.db.put('/after', new Uint8Array(10), DURABLE)
  await putAll('after')
  const copy = join(temporaryDirectory(), 'data')
  cpSync(join(path, 'db'), join(copy, 'db'), { recursive: true })
  const afterCrash = await openDataDirectory(copy)
  expect(await afterCrash.db.keys().all()).toEqual(expect.arrayContaining([...acknowledged, '/after']))
  await afterCrash.close()
})
