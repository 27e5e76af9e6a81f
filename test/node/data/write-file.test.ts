import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFileAtomic, mapDiskError, writeFileAtomic } from '../../../node/data/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import { temporaryDirectory } from './temporary.ts'

test('a file is replaced whole, with the mode that was asked for', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'file')
  writeFileSync(path, 'old')
  chmodSync(path, 0o644)
  await writeFileAtomic(path, 'new')
  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  await writeFileAtomic(path, Uint8Array.of(1, 2), { mode: 0o640 })
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(readdirSync(directory)).toEqual(['file'])
})

test('of many that create a file at once one wins, and the file is the winner’s', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'file')
  const made = await Promise.all(Array.from({ length: 20 }, (_, index) => createFileAtomic(path, `${index}`)))
  expect(made.filter(Boolean)).toHaveLength(1)
  expect(readFileSync(path, 'utf8')).toBe(`${made.indexOf(true)}`)
  expect(readdirSync(directory)).toEqual(['file'])
})

test('a directory that is not there is told with its path', async () => {
  await expect(writeFileAtomic('/nowhere/at/all', 'x')).rejects.toMatchObject({
    code: 'DIRECTORY_UNWRITABLE',
    message: expect.stringContaining('/nowhere/at/all'),
  })
})

test.each([
  ['EACCES', 'DIRECTORY_UNWRITABLE'],
  ['EROFS', 'DIRECTORY_UNWRITABLE'],
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EIO', 'STORE_FAILED'],
])('%s means %s', (errno, code) => {
  const cause = Object.assign(new Error('it failed'), { code: errno })
  expect(mapDiskError(cause, '/data')).toMatchObject({ code, cause, data: { path: '/data', errno } })
})

test('errors of ours, of the database and of anything else are told too', () => {
  const ours = new RoostError('DENIED', 'no')
  expect(mapDiskError(ours, '/data')).toBe(ours)
  const level = new Error('Database failed', { cause: new Error('IO error: 0.log: No space left on device') })
  expect(mapDiskError(level, '/data').code).toBe('DISK_FULL')
  expect(mapDiskError('what', '/data').code).toBe('STORE_FAILED')
})
