import { RoostError } from '../error/index.ts'
import { formatExpression, formatReal, formatValue } from './format.ts'
import type { Expression } from './syntax.ts'
import { formatAbsoluteTime, formatRelativeTime } from './time-text.ts'
import { AbsoluteTime, ErrorValue, RelativeTime, type Value } from './value.ts'

/** How values become integers, reals and text; undefined and errors stay what they are. */

const NO_NUMBER = new ErrorValue('this is not a number')
const NO_INTEGER = new ErrorValue('this real does not fit into 64 bits')

export function asInteger(value: Value): bigint | undefined | ErrorValue {
  if (typeof value === 'bigint') return value
  if (typeof value === 'string' && /^\s*[-+]?[0-9]{1,19}\s*$/.test(value)) {
    const exact = BigInt(value.trim().replace(/^\+/, ''))
    return exact === BigInt.asIntN(64, exact) ? exact : NO_INTEGER
  }
  const real = asReal(value)
  if (typeof real !== 'number') return real
  // The largest real below 2^63 is 2^63 - 1024: this comparison has no rounding to worry about.
  return real >= -(2 ** 63) && real < 2 ** 63 ? BigInt(Math.trunc(real)) : NO_INTEGER
}

/** Of a string its longest beginning that is a number, as C's `strtod` takes it. */
export function asReal(value: Value): number | undefined | ErrorValue {
  switch (typeof value) {
    case 'number':
      return value
    case 'bigint':
      return Number(value)
    case 'boolean':
      return value ? 1 : 0
    case 'string':
      return realOf(value)
    case 'undefined':
      return undefined
  }
  if (value instanceof AbsoluteTime) return value.unixS
  if (value instanceof RelativeTime) return value.seconds
  return value instanceof ErrorValue ? value : NO_NUMBER
}

function realOf(text: string): number | ErrorValue {
  const word = /^\s*([-+]?)(inf(?:inity)?|nan)/i.exec(text)
  if (word) return word[2]!.toLowerCase() === 'nan' ? NaN : word[1] === '-' ? -Infinity : Infinity
  const digits = /^\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?)/i.exec(text)
  return digits ? Number(digits[1]) : NO_NUMBER
}

export function asText(value: Value): string | undefined | ErrorValue {
  switch (typeof value) {
    case 'string':
    case 'undefined':
      return value
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'number':
      return formatReal(value)
  }
  if (value instanceof ErrorValue) return value
  if (value instanceof AbsoluteTime) return formatAbsoluteTime(value)
  if (value instanceof RelativeTime) return formatRelativeTime(value)
  return writtenOrError(() => formatValue(value))
}

export function asSource(expression: Expression): string | ErrorValue {
  return writtenOrError(() => formatExpression(expression))
}

/** A tree that was built too high has no text. */
function writtenOrError(write: () => string): string | ErrorValue {
  try {
    return write()
  } catch (error) {
    if (error instanceof RoostError) return new ErrorValue(error.message)
    throw error
  }
}
