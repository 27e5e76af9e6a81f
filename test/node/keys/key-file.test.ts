import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadKey, loadOrCreateKey } from '../../../node/keys/index.ts'
import { temporaryDirectory } from '../data/temporary.ts'

const coded = (code: string): unknown => expect.objectContaining({ code })

function keyPath(content?: string | Buffer, mode = 0o600): string {
  const path = join(temporaryDirectory(), 'node.key')
  if (content !== undefined) {
    writeFileSync(path, content)
    chmodSync(path, mode)
  }
  return path
}

test('a key is made once, for its owner alone, and is the same ever after', async () => {
  const path = join(temporaryDirectory(), 'new', 'directory', 'node.key')
  const made = await loadOrCreateKey(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect((await loadOrCreateKey(path)).id).toBe(made.id)
  expect((await loadKey(path))?.id).toBe(made.id)
})

test('two that make it at once get the same key', async () => {
  const path = keyPath()
  const keys = await Promise.all(Array.from({ length: 10 }, () => loadOrCreateKey(path)))
  expect(new Set(keys.map((key) => key.id)).size).toBe(1)
})

test('no file is no key', async () => {
  expect(await loadKey(keyPath())).toBeUndefined()
})

describe('a key file is refused, and stays as it is', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  test.each([
    ['empty', ''],
    ['of other text', 'hello'],
    ['cut', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIN'],
    ['of another kind of key', rsa],
    ['of random bytes', Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 89) % 256))],
    ['too large', Buffer.alloc(100_000, 'A')],
  ])('when it is %s', async (_, content) => {
    const path = keyPath(content)
    await expect(loadOrCreateKey(path)).rejects.toThrow(coded('KEY_INVALID'))
    expect(readFileSync(path)).toEqual(Buffer.from(content))
  })

  test.each([0o644, 0o640, 0o604, 0o620])('when others have rights to it: mode %o', async (mode) => {
    const path = keyPath()
    await loadOrCreateKey(path)
    chmodSync(path, mode)
    await expect(loadOrCreateKey(path)).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: expect.stringContaining(mode.toString(8)),
      hint: expect.stringContaining(`chmod 600 ${path}`),
    })
  })

  test('when it is a directory', async () => {
    const path = keyPath()
    mkdirSync(path, { mode: 0o700 })
    await expect(loadOrCreateKey(path)).rejects.toThrow(coded('KEY_INVALID'))
  })
})
