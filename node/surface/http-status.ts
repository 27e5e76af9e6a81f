import { EXIT, ERROR_CODES, type ErrorCode } from '../../overlay/index.ts'

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  MESSAGE_TOO_LARGE: 413,
  BUSY: 429,
  DISK_FULL: 507,
  MESSAGE_MALFORMED: 400,
  SIGNATURE_REQUIRED: 401,
}

const BY_EXIT: Record<number, number> = {
  [EXIT.usage]: 400,
  [EXIT.notFound]: 404,
  [EXIT.denied]: 403,
  [EXIT.unreachable]: 503,
  [EXIT.unschedulable]: 422,
  [EXIT.conflict]: 409,
  [EXIT.timeout]: 504,
  [EXIT.interrupted]: 499,
}

/** The HTTP status (RFC 9110) under which an error leaves the surface; the code in its body says more. */
export function httpStatus(code: ErrorCode): number {
  return BY_CODE[code] ?? BY_EXIT[ERROR_CODES[code].exit] ?? 500
}
