import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import { createFileAtomic, makePrivateDirectory, mapDiskError } from '../data/index.ts'
import { generateKey, keyFromPem, pemOf } from './key.ts'
import type { Key } from './key.ts'

/** A key file of ours has about 120 bytes. */
const KEY_FILE_BYTES_MAX = 4_096

/**
 * The key in this file, made (0600) where there is no file; one that exists is never written to. Of two processes that make
 * it at once both get the same key. Fails with `KEY_INVALID` where the file is damaged or readable by others, and as `mapDiskError` says.
 */
export async function loadOrCreateKey(path: string): Promise<Key> {
  const existing = await loadKey(path)
  if (existing !== undefined) return existing
  await makePrivateDirectory(dirname(path))
  const key = generateKey()
  if (await createFileAtomic(path, pemOf(key), { mode: 0o600 })) return key
  const other = await loadKey(path)
  if (other === undefined) throw new RoostError('KEY_INVALID', `the key file ${path} came and went`)
  return other
}

/** The key in this file; undefined where there is no file. Fails like `loadOrCreateKey`. */
export async function loadKey(path: string): Promise<Key | undefined> {
  const text = await readPrivateFile(path, KEY_FILE_BYTES_MAX)
  if (text === undefined) return undefined
  const key = keyFromPem(text.toString('latin1'))
  if (key === undefined)
    throw new RoostError('KEY_INVALID', `the key file ${path} is damaged: it holds no ed25519 key in PKCS #8`, {
      data: { path },
      hint: 'restore it from a backup; to begin anew with another identity, move it away',
    })
  return key
}

/** The bytes of a file that must be its owner's alone; undefined where there is none. */
async function readPrivateFile(path: string, bytesMax: number): Promise<Buffer | undefined> {
  let file
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
  try {
    // Asked of the open file, not of the path, so that what is checked is what is read.
    const { mode, size } = await file.stat()
    if ((mode & 0o077) !== 0)
      throw new RoostError(
        'KEY_INVALID',
        `the key file ${path} can be read or changed by others (mode ${octal(mode)})`,
        {
          data: { path },
          hint: `\`chmod 600 ${path}\`; if others may have read it, move it away and join again`,
        },
      )
    if (size > bytesMax)
      throw new RoostError('KEY_INVALID', `${path} is no key file: it has ${size} bytes`, { data: { path } })
    return await file.readFile()
  } catch (error) {
    throw error instanceof RoostError ? error : unreadable(path, error)
  } finally {
    await file.close()
  }
}

function unreadable(path: string, error: unknown): RoostError {
  const errno = (error as NodeJS.ErrnoException).code
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EISDIR')
    return new RoostError('KEY_INVALID', `the key file ${path} cannot be read (${errno})`, {
      cause: error,
      data: { path },
      hint: 'check who owns it, and that it is a file',
    })
  return mapDiskError(error, path)
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
