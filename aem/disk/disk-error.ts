import { diskFault, RoostError, type ErrorCode } from '../../overlay/index.ts'

/** What a failed disk operation means: `DISK_FULL`, `DIRECTORY_UNWRITABLE`, or `otherwise`; a `RoostError` stays as it is. */
export function diskError(thrown: unknown, doing: string, otherwise: ErrorCode): RoostError {
  if (thrown instanceof RoostError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new RoostError(diskFault(thrown).code ?? otherwise, `${doing}: ${message}`, { cause: thrown })
}
