import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { mapDiskError } from './disk-error.ts'

export interface WriteFileOptions {
  /** Permission bits of the file, whatever the umask. Only its owner reads it unless said otherwise. */
  readonly mode?: number
}

/**
 * Writes a file so that after a crash at any moment it has either its old bytes or all of the new ones, and after this
 * resolves the new ones: temporary file, fsync, rename, fsync of the directory. Fails as `mapDiskError` says, and the old file stays.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: WriteFileOptions = {},
): Promise<void> {
  await throughTemporary(path, bytes, options, (temporary) => rename(temporary, path))
}

/**
 * The same for a file that must not be there yet: false, and nothing changed, where something of this name exists. Of two
 * that create it at once one wins.
 */
export async function createFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: WriteFileOptions = {},
): Promise<boolean> {
  let isCreated = false
  await throughTemporary(path, bytes, options, async (temporary) => {
    // A link, unlike a rename, fails where the name is taken.
    isCreated = await link(temporary, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      },
    )
    await rm(temporary, { force: true })
  })
  return isCreated
}

/** A directory that only its owner enters, with its parents; one that exists stays as it is. Fails as `mapDiskError` says. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path))
  } catch (error) {
    throw mapDiskError(error, path)
  }
}

/** Not `mkdir` with `recursive`: in Node 24 that never ends where a directory exists and still gives ENOENT, as `/proc` does. */
async function makeWithParents(path: string): Promise<void> {
  if (await isMade(path)) return
  await makeWithParents(dirname(path))
  if (!(await isMade(path))) throw Object.assign(new Error(`nothing can be made at ${path}`), { code: 'ENOENT' })
}

/** Whether there is a directory now; false where its parent is missing. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    // Some systems say EROFS or EACCES of a directory that exists.
    const isDirectory = await stat(path).then(
      (at) => at.isDirectory(),
      () => false,
    )
    if (isDirectory) return true
    throw code === 'EEXIST' ? Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR' }) : error
  }
}

async function throughTemporary(
  path: string,
  bytes: Uint8Array | string,
  { mode = 0o600 }: WriteFileOptions,
  settle: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.chmod(mode)
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await settle(temporary)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw mapDiskError(error, path)
  }
}

/** Makes names that were added or changed in a directory last. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
