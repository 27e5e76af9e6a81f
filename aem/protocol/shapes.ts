import { shape, type Plain, type Shape } from '../../overlay/index.ts'
import { isJobId, parseUnitId } from './ids.ts'
import type { UnitExit } from './launcher.ts'

/** Bounds and shapes that the job's log, the unit's log and the messages share. */

/** The most units of one job. Its placement, one peer id each, then still fits a message. */
export const NODES_MAX = 1_000

/** A reason is a sentence, not a report. */
export const REASON_CHARS_MAX = 500

/** Most events of a log given at once; who wants more asks again from there. */
export const EVENTS_COUNT_MAX = 500

/** The encoded length that a signed statement may have. With the peers of a gang it must fit one message. */
export const STATEMENT_BYTES_MAX = 128 * 1024
/** Where a board keeps the job: its first event, with the body once more, is one command of a replica group (`COMMAND_WEIGHT_MAX`). */
export const BOARD_STATEMENT_BYTES_MAX = 28 * 1024
const STATEMENT_DEPTH_MAX = 32

/** Attempts to place one job. With every attempt well over a second apart this outlasts a season. */
export const ATTEMPTS_MAX = 9_999_999

export const eventNumber = shape.integer(1)
export const wallMs = shape.integer()
export const unitIndex = shape.integer(0, NODES_MAX - 1)
export const attemptNumber = shape.integer(1, ATTEMPTS_MAX)

export const jobId: Shape<string> = (value, path) => {
  if (typeof value !== 'string' || !isJobId(value)) throw shape.malformed(path, 'a job id')
  return value
}

export const unitId: Shape<string> = (value, path) => {
  if (typeof value !== 'string' || !parseUnitId(value)) throw shape.malformed(path, 'a unit id')
  return value
}

/** Any plain value that is not too deep. What it means is the business of who checks the signature. */
export const statement: Shape<NonNullable<Plain>> = (value, path) => {
  if (value === undefined || value === null || !isPlain(value, STATEMENT_DEPTH_MAX))
    throw shape.malformed(path, 'a plain value')
  return value as NonNullable<Plain>
}

function isPlain(value: unknown, depthLeft: number): boolean {
  if (value === undefined || value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (value instanceof Uint8Array) return true
  if (typeof value !== 'object' || depthLeft === 0) return false
  return Object.values(value).every((inner) => isPlain(inner, depthLeft - 1))
}

/** Roughly how long a plain value is when it is encoded, never less than its texts and bytes; stops counting beyond `bytesMax`. */
export function plainBytes(value: Plain, bytesMax: number): number {
  if (typeof value === 'string') return HEADER_BYTES + utf8Bytes(value)
  if (value instanceof Uint8Array) return HEADER_BYTES + value.length
  if (typeof value !== 'object' || value === null) return 9
  let bytes = HEADER_BYTES
  for (const [key, inner] of Object.entries(value)) {
    bytes += (Array.isArray(value) ? 0 : HEADER_BYTES + utf8Bytes(key)) + plainBytes(inner as Plain, bytesMax)
    if (bytes > bytesMax) break
  }
  return bytes
}

/** What CBOR puts before a text, bytes or a list of up to 2^32: at most this. */
const HEADER_BYTES = 5

function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // A surrogate is half of a character of four bytes.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}

const reason = shape.text(REASON_CHARS_MAX)

const exitShape = (kind: string): Shape<object> => {
  if (kind === 'exited') return shape.record({ code: shape.integer(0, 255) })
  if (kind === 'signalled') return shape.record({ signal: signalName })
  if (kind === 'unstartable' || kind === 'vanished') return shape.record({ reason })
  return shape.record({})
}

/** `TERM`, `KILL`, `RTMIN+3`: a signal's name without `SIG`. */
export const signalName: Shape<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[A-Z][A-Z0-9+-]{0,11}$/.test(value)) throw shape.malformed(path, 'a signal name')
  return value
}

const exitKind = shape.record({ kind: shape.oneOf('exited', 'signalled', 'timeout', 'oom', 'unstartable', 'vanished') })

export const unitExit: Shape<UnitExit> = (value, path) => {
  const { kind } = exitKind(value, path)
  return { kind, ...exitShape(kind)(value, path) } as UnitExit
}

/** A reason cut to its bound. */
export function shorten(text: string): string {
  return text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX - 1)}…`
}
