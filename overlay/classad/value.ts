import type { Ad } from './ad.ts'

/**
 * What an expression evaluates to. `undefined` and errors are values like any other: this is what lets one expression be
 * asked of machines that do not have the attribute at all. A `bigint` is a ClassAd integer (64 bits, wrapping), a `number`
 * is a ClassAd real.
 */
export type Value =
  | undefined
  | ErrorValue
  | boolean
  | bigint
  | number
  | string
  | AbsoluteTime
  | RelativeTime
  | readonly Value[]
  | Ad

/** The values that can stand in an expression as one literal. */
export type LiteralValue = Exclude<Value, readonly Value[] | Ad>

/** The error value, and why; two errors are identical whatever their reasons. */
export class ErrorValue {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** A moment: seconds since 1970 in UTC, and the offset in seconds east of Greenwich in which it is shown. */
export class AbsoluteTime {
  readonly unixS: number
  readonly offsetS: number

  constructor(unixS: number, offsetS: number) {
    this.unixS = unixS
    this.offsetS = offsetS
  }
}

/** A span of time in seconds. */
export class RelativeTime {
  readonly seconds: number

  constructor(seconds: number) {
    this.seconds = seconds
  }
}

/** Moments lie in the years 0 to 9999, the ones that have a spelling; undefined for any other. */
export function momentAt(unixS: number, offsetS: number): AbsoluteTime | undefined {
  const whole = Math.trunc(unixS)
  if (!(whole >= UNIX_S_MIN && whole <= UNIX_S_MAX && Math.abs(offsetS) < 86_400)) return undefined
  return new AbsoluteTime(whole, Math.trunc(offsetS))
}

const UNIX_S_MIN = -62_167_219_200
const UNIX_S_MAX = 253_402_300_799

/** Spans have a whole number of days that is exact; undefined for any other. */
export function spanOf(seconds: number): RelativeTime | undefined {
  return Math.abs(seconds) <= Number.MAX_SAFE_INTEGER ? new RelativeTime(seconds) : undefined
}

export type TypeName =
  | 'undefined'
  | 'error'
  | 'boolean'
  | 'integer'
  | 'real'
  | 'string'
  | 'abstime'
  | 'reltime'
  | 'list'
  | 'ad'

export function typeOf(value: Value): TypeName {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'boolean':
      return 'boolean'
    case 'bigint':
      return 'integer'
    case 'number':
      return 'real'
    case 'string':
      return 'string'
  }
  if (value instanceof ErrorValue) return 'error'
  if (value instanceof AbsoluteTime) return 'abstime'
  if (value instanceof RelativeTime) return 'reltime'
  return isList(value) ? 'list' : 'ad'
}

/** Whether a condition holds: the value is `true` itself, not merely defined or not zero. */
export function isTrue(value: Value): boolean {
  return value === true
}

export function isError(value: Value): value is ErrorValue {
  return value instanceof ErrorValue
}

/** `Array.isArray` does not narrow to a readonly array. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

/** What conditions take: a boolean as it is and a number as whether it is not zero; `undefined` for all else. */
export function asBoolean(value: Value): boolean | undefined {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'bigint':
      return value !== 0n
    case 'number':
      return value !== 0
  }
  return undefined
}
