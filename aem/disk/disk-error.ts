import { RoostError, type ErrorCode } from '../../overlay/index.ts'

const CODE_BY_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'DIRECTORY_UNWRITABLE',
  EPERM: 'DIRECTORY_UNWRITABLE',
  EROFS: 'DIRECTORY_UNWRITABLE',
}

/** What a failed disk operation means: `DISK_FULL`, `DIRECTORY_UNWRITABLE`, or `otherwise`; a `RoostError` stays as it is. */
export function diskError(thrown: unknown, doing: string, otherwise: ErrorCode): RoostError {
  if (thrown instanceof RoostError) return thrown
  const code = CODE_BY_ERRNO[errnoOf(thrown) ?? ''] ?? otherwise
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new RoostError(code, `${doing}: ${message}`, { cause: thrown })
}

/** The errno of the error or of what caused it: databases and streams wrap theirs, LevelDB only in words. */
function errnoOf(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < CAUSE_DEPTH_MAX; error = error.cause, depth++) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && Object.hasOwn(CODE_BY_ERRNO, code)) return code
    if (/no space left on device/i.test(error.message)) return 'ENOSPC'
  }
  return undefined
}

const CAUSE_DEPTH_MAX = 4
