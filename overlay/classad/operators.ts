import { Ad } from './ad.ts'
import { isExpressionEqual } from './equal.ts'
import { OUT_OF_STEPS } from './frame.ts'
import type { BinaryOperator, UnaryOperator } from './syntax.ts'
import {
  AbsoluteTime,
  asBoolean,
  ErrorValue,
  isList,
  momentAt,
  RelativeTime,
  spanOf,
  typeOf,
  type Value,
} from './value.ts'

/**
 * The operators on values. All but `&&`, `||`, `?:`, `=?=` and `=!=` are strict: an error on either side is the result, or
 * else undefined on either side. Integers are 64 bits and wrap; an integer beside a real becomes one; true and false beside
 * a number are 1 and 0.
 */
export type BinaryFunction = (left: Value, right: Value, meter?: Meter) => Value

/** What long texts, lists and ads are charged to when they are compared; a run is one. */
export interface Meter {
  charge(steps: number): boolean
}

/** Characters that are compared for one step. */
const COMPARED_CHARS_PER_STEP = 64

const WRAP_BITS = 64
const INTEGER_MIN = -(2n ** 63n)
const INTEGER_MAX = 2n ** 63n - 1n

const DIVISION_BY_ZERO = new ErrorValue('division by zero')
const REAL_MODULO = new ErrorValue('% takes integers')
const REAL_OVERFLOW = new ErrorValue('the real result is not finite')
const BEYOND_TIME = new ErrorValue('the time is beyond what times can be')
const BAD_SHIFT = new ErrorValue('a shift count is negative')

function notFor(operator: string, left: Value, right?: Value): ErrorValue {
  const kinds = right === undefined ? typeOf(left) : `${typeOf(left)} and ${typeOf(right)}`
  return new ErrorValue(`${operator} does not take ${kinds}`)
}

/** The side that a strict operator gives as it is: an error first, else undefined; `null` where both sides are proper. */
function exceptional(left: Value, right: Value): ErrorValue | undefined | null {
  if (left instanceof ErrorValue) return left
  if (right instanceof ErrorValue) return right
  return left === undefined || right === undefined ? undefined : null
}

// Comparison

function comparison(
  operator: string,
  numbers: (left: bigint | number, right: bigint | number) => boolean,
): BinaryFunction {
  return (left, right, meter) => {
    if (isNumber(left) && isNumber(right)) return numbers(left, right)
    const early = exceptional(left, right)
    if (early !== null) return early
    if (typeof left === 'string' && typeof right === 'string') {
      const steps = Math.trunc((left.length + right.length) / COMPARED_CHARS_PER_STEP)
      if (steps > 0 && meter?.charge(steps) === false) return OUT_OF_STEPS
      return numbers(compareFolded(left, right), 0)
    }
    const [first, second] = [asComparable(left, right), asComparable(right, left)]
    return first === undefined || second === undefined ? notFor(operator, left, right) : numbers(first, second)
  }
}

function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number'
}

/** The number that stands for `value` in a comparison with `other`; undefined where the two kinds do not compare. */
function asComparable(value: Value, other: Value): bigint | number | undefined {
  if (value instanceof AbsoluteTime) return other instanceof AbsoluteTime ? value.unixS : undefined
  if (value instanceof RelativeTime) return other instanceof RelativeTime ? value.seconds : undefined
  return asNumber(value)
}

function asNumber(value: Value): bigint | number | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n
  return isNumber(value) ? value : undefined
}

/** Order without regard to case: below, at or above 0. */
export function compareFolded(left: string, right: string): number {
  if (left === right) return 0
  const [first, second] = [left.toLowerCase(), right.toLowerCase()]
  return first < second ? -1 : first > second ? 1 : 0
}

/**
 * Whether two values are the same in kind and content; never undefined, never an error. Strings with regard to case. When
 * the meter is used up the answer is false, and does not matter.
 */
export function isIdentical(left: Value, right: Value, meter?: Meter): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return left === right
  if (left instanceof ErrorValue) return right instanceof ErrorValue
  if (left instanceof AbsoluteTime)
    return right instanceof AbsoluteTime && left.unixS === right.unixS && left.offsetS === right.offsetS
  if (left instanceof RelativeTime) return right instanceof RelativeTime && left.seconds === right.seconds
  if (isList(left))
    return (
      isList(right) &&
      left.length === right.length &&
      meter?.charge(left.length) !== false &&
      left.every((item, at) => isIdentical(item, right[at], meter))
    )
  return (
    left instanceof Ad && right instanceof Ad && (left === right || isExpressionEqual(left.node, right.node, meter))
  )
}

// Arithmetic

function arithmetic(
  operator: '+' | '-' | '*' | '/' | '%',
  integers: (left: bigint, right: bigint) => Value,
  reals: (left: number, right: number) => Value,
): BinaryFunction {
  return (left, right) => {
    if (typeof left === 'bigint' && typeof right === 'bigint') return integers(left, right)
    const early = exceptional(left, right)
    if (early !== null) return early
    const [first, second] = [asNumber(left), asNumber(right)]
    if (first === undefined || second === undefined)
      return timeArithmetic(operator, left, right) ?? notFor(operator, left, right)
    if (typeof first === 'bigint' && typeof second === 'bigint') return integers(first, second)
    return reals(Number(first), Number(second))
  }
}

function finite(result: number): Value {
  return result === Infinity || result === -Infinity ? REAL_OVERFLOW : result
}

/** Undefined where the operator does not take these; sums beyond what times can be are errors. */
function timeArithmetic(operator: string, left: Value, right: Value): Value {
  if (left instanceof AbsoluteTime && right instanceof AbsoluteTime)
    return operator === '-' ? span(left.unixS - right.unixS) : undefined
  if (left instanceof AbsoluteTime && right instanceof RelativeTime) {
    const seconds = Math.trunc(right.seconds)
    if (operator === '+') return momentAt(left.unixS + seconds, left.offsetS) ?? BEYOND_TIME
    return operator === '-' ? (momentAt(left.unixS - seconds, left.offsetS) ?? BEYOND_TIME) : undefined
  }
  if (left instanceof RelativeTime && right instanceof RelativeTime) {
    if (operator === '+') return span(left.seconds + right.seconds)
    return operator === '-' ? span(left.seconds - right.seconds) : undefined
  }
  if (left instanceof RelativeTime && isNumber(right)) {
    if (operator === '*') return span(left.seconds * Number(right))
    if (operator !== '/') return undefined
    return Number(right) === 0 ? DIVISION_BY_ZERO : span(left.seconds / Number(right))
  }
  if (operator === '+' && left instanceof RelativeTime && right instanceof AbsoluteTime)
    return timeArithmetic('+', right, left)
  return operator === '*' && isNumber(left) && right instanceof RelativeTime
    ? timeArithmetic('*', right, left)
    : undefined
}

function span(seconds: number): Value {
  return spanOf(seconds) ?? BEYOND_TIME
}

// Bits

function bitwise(operator: string, apply: (left: bigint, right: bigint) => Value): BinaryFunction {
  return (left, right) => {
    if (typeof left === 'bigint' && typeof right === 'bigint') return apply(left, right)
    const early = exceptional(left, right)
    return early === null ? notFor(operator, left, right) : early
  }
}

function shift(operator: string, apply: (left: bigint, count: bigint) => bigint): BinaryFunction {
  return bitwise(operator, (left, count) => {
    if (count < 0n) return BAD_SHIFT
    return BigInt.asIntN(WRAP_BITS, apply(left, count < 64n ? count : 64n))
  })
}

// Logic

/** What is left of `&&` once the left side is true or undefined. */
function and(left: Value, right: Value): Value {
  return logical('&&', false, left, right)
}

function or(left: Value, right: Value): Value {
  return logical('||', true, left, right)
}

/** `&&` and `||` in one: `deciding` is the truth value that decides alone. Only the left side keeps the right from counting. */
function logical(operator: string, deciding: boolean, left: Value, right: Value): Value {
  const first = asLogical(operator, left)
  if (first === deciding || first instanceof ErrorValue) return first
  const second = asLogical(operator, right)
  if (first === undefined) return second === !deciding ? undefined : second
  return second
}

function asLogical(operator: string, value: Value): boolean | undefined | ErrorValue {
  if (value === undefined || typeof value === 'boolean' || value instanceof ErrorValue) return value
  return asBoolean(value) ?? notFor(operator, value)
}

/** Whether the left side of `&&` or `||` decides without the right one. */
export function decidesAlone(operator: '&&' | '||', left: Value): boolean {
  return asBoolean(left) === (operator === '||') || (left !== undefined && asBoolean(left) === undefined)
}

export const BINARY: Readonly<Record<BinaryOperator, BinaryFunction>> = {
  '||': or,
  '&&': and,
  '?:': (left, right) => (left === undefined ? right : left),
  '=?=': isIdentical,
  '=!=': (left, right, meter) => !isIdentical(left, right, meter),
  '==': comparison('==', (left, right) => left == right),
  '!=': comparison('!=', (left, right) => left != right),
  '<': comparison('<', (left, right) => left < right),
  '<=': comparison('<=', (left, right) => left <= right),
  '>': comparison('>', (left, right) => left > right),
  '>=': comparison('>=', (left, right) => left >= right),
  '+': arithmetic(
    '+',
    (left, right) => BigInt.asIntN(WRAP_BITS, left + right),
    (left, right) => finite(left + right),
  ),
  '-': arithmetic(
    '-',
    (left, right) => BigInt.asIntN(WRAP_BITS, left - right),
    (left, right) => finite(left - right),
  ),
  '*': arithmetic(
    '*',
    (left, right) => BigInt.asIntN(WRAP_BITS, left * right),
    (left, right) => finite(left * right),
  ),
  '/': arithmetic('/', divide, (left, right) => (right === 0 ? DIVISION_BY_ZERO : finite(left / right))),
  '%': arithmetic(
    '%',
    (left, right) => (right === 0n ? DIVISION_BY_ZERO : left % right),
    () => REAL_MODULO,
  ),
  '|': bitwise('|', (left, right) => left | right),
  '^': bitwise('^', (left, right) => left ^ right),
  '&': bitwise('&', (left, right) => left & right),
  '<<': shift('<<', (left, count) => left << count),
  '>>': shift('>>', (left, count) => left >> count),
  '>>>': shift('>>>', (left, count) => (count === 0n ? left : BigInt.asUintN(WRAP_BITS, left) >> count)),
}

/** Towards zero. The one quotient that does not fit is the largest integer, as in HTCondor. */
function divide(left: bigint, right: bigint): Value {
  if (right === 0n) return DIVISION_BY_ZERO
  return left === INTEGER_MIN && right === -1n ? INTEGER_MAX : left / right
}

export const UNARY: Readonly<Record<UnaryOperator, (operand: Value) => Value>> = {
  '-': (operand) => {
    if (typeof operand === 'bigint') return BigInt.asIntN(WRAP_BITS, -operand)
    if (typeof operand === 'number') return -operand
    if (operand instanceof RelativeTime) return new RelativeTime(-operand.seconds)
    return operand === undefined || operand instanceof ErrorValue ? operand : notFor('-', operand)
  },
  '+': (operand) => {
    if (operand === undefined || isNumber(operand) || operand instanceof RelativeTime) return operand
    return operand instanceof ErrorValue ? operand : notFor('+', operand)
  },
  '!': (operand) => {
    const truth = asLogical('!', operand)
    return typeof truth === 'boolean' ? !truth : truth
  },
  '~': (operand) => {
    if (typeof operand === 'bigint') return ~operand
    return operand === undefined || operand instanceof ErrorValue ? operand : notFor('~', operand)
  },
}
