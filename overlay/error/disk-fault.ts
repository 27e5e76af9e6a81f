/** What a failed disk operation means to whoever asked for it. */
export interface DiskFault {
  /** `DISK_FULL` and `DIRECTORY_UNWRITABLE` call for somebody's hand; everything else has no name here. */
  readonly code: 'DISK_FULL' | 'DIRECTORY_UNWRITABLE' | undefined
  /** The system's name for it (errno(3)), where it has one. */
  readonly errno: string | undefined
  /** What the error and its causes say, the innermost first. */
  readonly words: string
}

const CODE_BY_ERRNO: Readonly<Record<string, DiskFault['code']>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'DIRECTORY_UNWRITABLE',
  EPERM: 'DIRECTORY_UNWRITABLE',
  EROFS: 'DIRECTORY_UNWRITABLE',
}

/** LevelDB has no errno, and passes on what strerror(3) says. */
const ERRNO_BY_WORDS: readonly (readonly [string, string])[] = [
  ['no space left on device', 'ENOSPC'],
  ['disk quota exceeded', 'EDQUOT'],
  ['permission denied', 'EACCES'],
  ['read-only file system', 'EROFS'],
]

/** Databases and streams wrap the error that counts; deeper than this nobody does. */
const CAUSE_DEPTH_MAX = 8

/** Looks through an error and its causes for what the disk said. */
export function diskFault(thrown: unknown): DiskFault {
  const chain: Error[] = []
  for (let at = thrown; at instanceof Error && chain.length < CAUSE_DEPTH_MAX; at = at.cause) chain.unshift(at)
  const words = chain.length === 0 ? String(thrown) : chain.map((error) => error.message).join('\n')
  const spoken = words.toLowerCase()
  const errno =
    chain.map((error) => (error as { readonly code?: unknown }).code).find(isErrno) ??
    ERRNO_BY_WORDS.find(([phrase]) => spoken.includes(phrase))?.[1]
  return { code: errno === undefined ? undefined : CODE_BY_ERRNO[errno], errno, words }
}

function isErrno(code: unknown): code is string {
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)
}
