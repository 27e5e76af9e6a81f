import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'

const NAME_CHARS_MAX = 1_000
/** What most file systems allow between two slashes. */
const PART_BYTES_MAX = 255

/**
 * Whether a name from outside may be a path below a directory of ours: relative, with plain parts. No empty part, no `.` or
 * `..`, no control characters, no backslash. It says nothing of links: `resolveWithin` does.
 */
export function isSafeName(name: string): boolean {
  if (name.length === 0 || name.length > NAME_CHARS_MAX) return false
  // eslint-disable-next-line no-control-regex -- control characters are just what is refused
  if (/[\u0000-\u001f\u007f\\]/.test(name)) return false
  return name
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= PART_BYTES_MAX)
}

/** The real path of an existing file below `root`; undefined where it is unsafe, missing, or a link that leads out. */
export async function resolveWithin(root: string, name: string): Promise<string | undefined> {
  if (!isSafeName(name)) return undefined
  try {
    const [realRoot, realFile] = await Promise.all([realpath(root), realpath(join(root, name))])
    return realFile.startsWith(realRoot + sep) ? realFile : undefined
  } catch {
    return undefined
  }
}
