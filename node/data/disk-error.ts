import { diskFault, RoostError } from '../../overlay/index.ts'
import type { ErrorCode } from '../../overlay/index.ts'

/** Where a directory is to be, these say that something else is in the way, or nothing at all. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'ENAMETOOLONG'])

/**
 * A failure of a disk as one of ours: `DIRECTORY_UNWRITABLE`, `DISK_FULL` or `STORE_FAILED`, with `path` in the message and
 * the cause kept. A `RoostError` stays as it is.
 */
export function mapDiskError(error: unknown, path: string): RoostError {
  if (error instanceof RoostError) return error
  const fault = diskFault(error)
  const { errno, words } = fault
  const isInTheWay = errno !== undefined && IN_THE_WAY.has(errno)
  const code: ErrorCode = fault.code ?? (isInTheWay ? 'DIRECTORY_UNWRITABLE' : 'STORE_FAILED')
  const reason = code === 'DISK_FULL' ? '' : ` (${errno ?? words.split('\n')[0]!.slice(0, 200)})`
  return new RoostError(code, `${MESSAGES[code]?.(path) ?? `${path} could not be read or written`}${reason}`, {
    cause: error,
    data: { path, ...(errno !== undefined && { errno }) },
  })
}

const MESSAGES: Partial<Record<ErrorCode, (path: string) => string>> = {
  DIRECTORY_UNWRITABLE: (path) => `${path} cannot be written`,
  DISK_FULL: (path) => `no space left on the disk of ${path}`,
}
