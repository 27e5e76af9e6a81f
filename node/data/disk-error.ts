import { RoostError } from '../../overlay/index.ts'
import type { ErrorCode } from '../../overlay/index.ts'

/** What the system's words for a failed write mean to us; everything else is `STORE_FAILED`. */
const CODE_OF_ERRNO: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'DIRECTORY_UNWRITABLE',
  EPERM: 'DIRECTORY_UNWRITABLE',
  EROFS: 'DIRECTORY_UNWRITABLE',
  ENOTDIR: 'DIRECTORY_UNWRITABLE',
  EISDIR: 'DIRECTORY_UNWRITABLE',
  EEXIST: 'DIRECTORY_UNWRITABLE',
  ENOENT: 'DIRECTORY_UNWRITABLE',
  ELOOP: 'DIRECTORY_UNWRITABLE',
  ENAMETOOLONG: 'DIRECTORY_UNWRITABLE',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
}

/**
 * A failure of a disk as one of ours: `DIRECTORY_UNWRITABLE`, `DISK_FULL` or `STORE_FAILED`, with `path` in the message and
 * the cause kept. A `RoostError` stays as it is. Errors of `level`, which has no errno, are told by their words.
 */
export function mapDiskError(error: unknown, path: string): RoostError {
  if (error instanceof RoostError) return error
  const words = wordsOf(error)
  const errno = errnoOf(error) ?? errnoOfWords(words)
  const code = (errno !== undefined && CODE_OF_ERRNO[errno]) || 'STORE_FAILED'
  return new RoostError(
    code,
    `${MESSAGES[code]?.(path) ?? `${path} could not be read or written`}${reason(code, errno, words)}`,
    {
      cause: error,
      data: { path, ...(errno !== undefined && { errno }) },
    },
  )
}

const MESSAGES: Partial<Record<ErrorCode, (path: string) => string>> = {
  DIRECTORY_UNWRITABLE: (path) => `${path} cannot be written`,
  DISK_FULL: (path) => `no space left on the disk of ${path}`,
}

function reason(code: ErrorCode, errno: string | undefined, words: string): string {
  if (code === 'DISK_FULL') return ''
  return ` (${errno ?? words.split('\n')[0]!.slice(0, 200)})`
}

function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/** LevelDB passes on what `strerror` says. */
function errnoOfWords(words: string): string | undefined {
  if (words.includes('No space left on device')) return 'ENOSPC'
  if (words.includes('Disk quota exceeded')) return 'EDQUOT'
  if (words.includes('Permission denied')) return 'EACCES'
  if (words.includes('Read-only file system')) return 'EROFS'
  return undefined
}

/** The message and those of its causes: `level` keeps the true one in the cause. */
function wordsOf(error: unknown): string {
  const words: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSE_DEPTH_MAX; at = at.cause, depth++)
    words.unshift(at.message)
  return words.length === 0 ? String(error) : words.join('\n')
}

const CAUSE_DEPTH_MAX = 8
