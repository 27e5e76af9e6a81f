import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DURABLE, openDataDirectory } from '../../../node/data/index.ts'
import type { DataDirectory } from '../../../node/data/index.ts'
import { temporaryDirectory } from './temporary.ts'

const coded = (code: string): unknown => expect.objectContaining({ code })
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)

const holding = join(import.meta.dirname, 'hold-directory.ts')
/** `nobody`, on every Linux. */
const NOBODY_UID = 65_534

async function opened(path: string): Promise<DataDirectory> {
  const data = await openDataDirectory(path)
  onTestFinished(() => data.close())
  return data
}

/** Another process that has the directory open. */
async function holder(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [holding, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return child
}

describe('a data directory', () => {
  test('is made with its parents, for its owner alone', async () => {
    const path = join(temporaryDirectory(), 'deep', 'data')
    const data = await opened(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(await data.directory('aem')).mode & 0o777).toBe(0o700)
  })

  test('that others could enter is closed to them', async () => {
    const path = temporaryDirectory()
    chmodSync(path, 0o755)
    await opened(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  test('keeps what was put into its stores, each apart from the others', async () => {
    const path = temporaryDirectory()
    const first = await openDataDirectory(path)
    await first.store('jobs').put('a', bytes('job'), DURABLE)
    await first.store('peers').put('a', bytes('peer'))
    expect(first.store('jobs')).toBe(first.store('jobs'))
    await first.close()
    await first.close()
    const second = await opened(path)
    expect(Buffer.from((await second.store('jobs').get('a'))!).toString()).toBe('job')
    expect(await second.store('jobs').get('b')).toBeUndefined()
    expect(await second.store('peers').keys().all()).toEqual(['a'])
  })

  test('has no store under a name that is none', async () => {
    const data = await opened(temporaryDirectory())
    expect(() => data.store('!')).toThrow(coded('INTERNAL'))
  })
})

describe('one daemon at a time', () => {
  test('a second opener hears who has it, also in the same process', async () => {
    const path = temporaryDirectory()
    const data = await opened(path)
    await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'DAEMON_RUNNING', data: { pid: process.pid } })
    await data.close()
    await opened(path)
  })

  test('another process has it until it is killed, and leaves nothing that needs clearing', async () => {
    const path = temporaryDirectory()
    const child = await holder(path)
    await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'DAEMON_RUNNING', data: { pid: child.pid } })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await opened(path)
  })
})

describe('where it cannot be written', () => {
  test('a file in its place', async () => {
    const path = join(temporaryDirectory(), 'data')
    writeFileSync(path, '')
    await expect(openDataDirectory(path)).rejects.toThrow(coded('DIRECTORY_UNWRITABLE'))
    await expect(openDataDirectory(join(path, 'below'))).rejects.toThrow(coded('DIRECTORY_UNWRITABLE'))
  })

  test('a place where nobody may write', async () => {
    await expect(openDataDirectory('/proc/roost')).rejects.toMatchObject({
      code: 'DIRECTORY_UNWRITABLE',
      message: expect.stringContaining('/proc/roost'),
    })
  })

  test('a directory of somebody else', async () => {
    const somebodyElse = process.getuid?.() === 0 ? { uid: NOBODY_UID } : {}
    const child = spawn(process.execPath, [holding, '/usr/lib/roost-test'], {
      ...somebodyElse,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    expect(await text(child.stderr!)).toContain('/usr/lib/roost-test cannot be written (EACCES)')
  })

  test('a damaged database', async () => {
    const path = temporaryDirectory()
    await (await openDataDirectory(path)).close()
    const database = join(path, 'db')
    for (const name of readdirSync(database).filter((file) => file.startsWith('MANIFEST')))
      writeFileSync(join(database, name), 'not a manifest')
    await expect(openDataDirectory(path)).rejects.toThrow(coded('STORE_FAILED'))
  })

  test('a database that is a file', async () => {
    const path = temporaryDirectory()
    mkdirSync(join(path, 'db'))
    writeFileSync(join(path, 'db', 'CURRENT'), 'nonsense')
    await expect(openDataDirectory(path)).rejects.toThrow(coded('STORE_FAILED'))
  })
})
