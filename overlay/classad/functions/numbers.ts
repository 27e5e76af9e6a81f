import { asInteger, asReal } from '../convert.ts'
import { BINARY } from '../operators.ts'
import { asBoolean, ErrorValue, isList, RelativeTime, type Value } from '../value.ts'
import { strict, takes, wrong, type FunctionTable } from './function.ts'

const WITHOUT_CHANCE = new ErrorValue('random needs a source of chance, and none was given')

export const NUMBER_FUNCTIONS: FunctionTable = {
  int: takes(1, 1, ([value]) => asInteger(value)),
  real: takes(1, 1, ([value]) => asReal(value)),
  bool: strict(1, 1, ([value]) => toBoolean(value)),
  floor: rounding(Math.floor),
  ceiling: rounding(Math.ceil),
  ceil: rounding(Math.ceil),
  round: rounding(roundHalfEven),
  pow: strict(2, 2, ([base, exponent]) => power(base, exponent)),
  quantize: strict(2, 2, ([value, base]) => quantize(value, base)),
  random: strict(0, 1, ([bound = 1], run) => {
    const { rng } = run.context
    if (rng === undefined) return WITHOUT_CHANCE
    if (typeof bound === 'bigint' && bound > 0n)
      return bound <= 0xffff_ffffn ? BigInt(rng.below(Number(bound))) : below64(bound, rng)
    if (typeof bound === 'number' && bound > 0) return rng.real() * bound
    return wrong('random', 'a number above 0')
  }),
}

function below64(bound: bigint, rng: { next(): number }): bigint {
  return ((BigInt(rng.next()) << 32n) | BigInt(rng.next())) % bound
}

function toBoolean(value: Value): Value {
  if (typeof value === 'string') {
    const word = value.toLowerCase()
    return word === 'true' ? true : word === 'false' ? false : undefined
  }
  if (value instanceof RelativeTime) return value.seconds !== 0
  return asBoolean(value) ?? wrong('bool', 'a boolean, a number or a string')
}

function rounding(round: (value: number) => number) {
  return takes(1, 1, ([value]) => {
    if (typeof value === 'bigint') return value
    const real = asReal(value)
    if (real === undefined) return new ErrorValue('an undefined value cannot be rounded')
    return typeof real === 'number' ? asInteger(round(real)) : real
  })
}

/** To the even neighbour from the middle, as C's `rint` does. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}

function power(base: Value, exponent: Value): Value {
  if (typeof base === 'bigint' && typeof exponent === 'bigint' && exponent >= 0n) return integerPower(base, exponent)
  const [first, second] = [asReal(base), asReal(exponent)]
  if (typeof first !== 'number' || typeof second !== 'number') return wrong('pow', 'two numbers')
  const result = second === 0 ? 1 : first ** second
  return Number.isFinite(result) ? result : new ErrorValue('the power is not finite')
}

/** By squaring, in 64 bits: the result wraps as products do. */
function integerPower(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = base, left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asIntN(64, result * square)
    square = BigInt.asIntN(64, square * square)
  }
  return result
}

/** The least multiple of `base` that is not below `value`; of a list the first item that is not, or a multiple of the last. */
function quantize(value: Value, base: Value): Value {
  const wanted = asReal(value)
  if (typeof wanted !== 'number') return wrong('quantize', 'a number and a number or a list of numbers')
  let step = base
  if (isList(base)) {
    step = 0n
    for (const item of base) {
      const real = asReal(item)
      if (typeof real !== 'number') return wrong('quantize', 'a list of numbers')
      if (real >= wanted) return item
      step = item
    }
  }
  if (typeof step === 'bigint') {
    if (step === 0n) return value
    if (typeof value !== 'bigint') return Math.ceil(wanted / Number(step)) * Number(step)
    return BINARY['*']((value + step - 1n) / step, step)
  }
  const real = asReal(step)
  if (typeof real !== 'number') return wrong('quantize', 'a number and a number or a list of numbers')
  return Math.abs(real) < STEP_MIN ? value : Math.ceil(wanted / real) * real
}

/** Steps nearer to 0 than this do not quantize. */
const STEP_MIN = 1e-8
