import { ERROR_CODES, type ErrorCode } from './codes.ts'

export interface RoostErrorOptions {
  readonly cause?: unknown
  /** What the error is about, for programs: ids, counts, limits. */
  readonly data?: Readonly<Record<string, unknown>>
  /** False where the thing asked for may have happened all the same. Certain unless said otherwise. */
  readonly certain?: boolean
  /** What to do, where one knows better than the code's own hint. */
  readonly hint?: string
  /** Where in the input, from 1, and which file. */
  readonly line?: number
  readonly column?: number
  readonly file?: string
}

/** How an error crosses the wire and stands in `--json`. */
export interface ErrorRecord {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly certain: boolean
  readonly data?: Readonly<Record<string, unknown>>
  readonly line?: number
  readonly column?: number
  readonly file?: string
}

/** A failure of the world or of an input: its code is a promise (docs/errors.md), its message is prose. */
export class RoostError extends Error {
  readonly code: ErrorCode
  readonly certain: boolean
  readonly hint: string
  readonly data?: Readonly<Record<string, unknown>>
  readonly line?: number
  readonly column?: number
  readonly file?: string

  constructor(code: ErrorCode, message: string, options: RoostErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RoostError'
    this.code = code
    this.certain = options.certain ?? true
    this.hint = options.hint ?? ERROR_CODES[code].hint
    if (options.data !== undefined) this.data = options.data
    if (options.line !== undefined) this.line = options.line
    if (options.column !== undefined) this.column = options.column
    if (options.file !== undefined) this.file = options.file
  }

  /** The exit status of a command that ends with this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit
  }

  toJSON(): ErrorRecord {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      certain: this.certain,
      ...(this.data && { data: this.data }),
      ...(this.line !== undefined && { line: this.line }),
      ...(this.column !== undefined && { column: this.column }),
      ...(this.file !== undefined && { file: this.file }),
    }
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

/** The error that a record from another node or from the daemon stands for; anything else is `INTERNAL`. */
export function errorFromRecord(value: unknown): RoostError {
  const record = (typeof value === 'object' && value !== null ? value : {}) as Partial<
    Record<keyof ErrorRecord, unknown>
  >
  const code = isErrorCode(record.code) ? record.code : 'INTERNAL'
  const message =
    typeof record.message === 'string'
      ? record.message.slice(0, MESSAGE_CHARS_MAX)
      : 'the other side failed and did not say how'
  return new RoostError(code, message, {
    certain: record.certain !== false,
    ...(typeof record.hint === 'string' && { hint: record.hint.slice(0, MESSAGE_CHARS_MAX) }),
    ...(typeof record.data === 'object' && record.data !== null && { data: record.data as Record<string, unknown> }),
    ...(typeof record.line === 'number' && { line: record.line }),
    ...(typeof record.column === 'number' && { column: record.column }),
    ...(typeof record.file === 'string' && { file: record.file.slice(0, MESSAGE_CHARS_MAX) }),
  })
}

/** Any thrown thing as a `RoostError`: one of ours as it is, all else as `INTERNAL` with its cause kept. */
export function asRoostError(thrown: unknown): RoostError {
  if (thrown instanceof RoostError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new RoostError('INTERNAL', message, { cause: thrown, certain: false })
}

/** What a peer may make us keep and print of an error. */
const MESSAGE_CHARS_MAX = 4_000
