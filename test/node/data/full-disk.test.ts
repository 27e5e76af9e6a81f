import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { DURABLE, mapDiskError, openDataDirectory, writeFileAtomic } from '../../../node/data/index.ts'
import { loadOrCreateKey } from '../../../node/keys/index.ts'
import { temporaryDirectory } from './temporary.ts'

const DISK_KIB = 512

/** A disk of half a mebibyte; undefined where this machine does not let us mount one. */
function smallDisk(): string | undefined {
  const path = temporaryDirectory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KIB}k`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  onTestFinished(() => void execFileSync('umount', ['-l', path]))
  return path
}

function fill(disk: string): void {
  const file = openSync(join(disk, 'filler'), 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    closeSync(file)
  }
}

const full = { code: 'DISK_FULL', message: expect.stringContaining('no space left') }

test('a full disk is told as such, wherever it is met, and old files stay whole', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip('this machine does not allow mounting a small disk')
  const file = join(disk, 'kept')
  await writeFileAtomic(file, 'old')
  fill(disk)
  await expect(writeFileAtomic(file, 'new'.repeat(10_000))).rejects.toMatchObject(full)
  expect(readFileSync(file, 'utf8')).toBe('old')
  await expect(loadOrCreateKey(join(disk, 'node.key'))).rejects.toMatchObject(full)
  await expect(openDataDirectory(join(disk, 'data'))).rejects.toMatchObject(full)
  expect(readdirSync(disk).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('a database that fills its disk says so, and keeps what it acknowledged', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip('this machine does not allow mounting a small disk')
  const path = join(disk, 'data')
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
