import type { Code, Frame, Run } from '../frame.ts'
import type { Expression } from '../syntax.ts'
import { ErrorValue, type Value } from '../value.ts'

/** A function of the language. A call with more or fewer arguments is an error before `apply` sees it. */
export type ClassAdFunction = ValueFunction | LazyFunction

interface ArgumentCount {
  readonly countMin: number
  readonly countMax: number
}

/** One that takes values, undefined and errors among them. */
export interface ValueFunction extends ArgumentCount {
  readonly apply: (values: readonly Value[], run: Run) => Value
}

/** One that chooses which of its arguments are evaluated, and where. */
export interface LazyFunction extends ArgumentCount {
  readonly lazy: (call: LazyCall) => Value
}

export interface LazyCall {
  readonly expressions: readonly Expression[]
  readonly codes: readonly Code[]
  readonly frame: Frame
  readonly run: Run
}

export type FunctionTable = Readonly<Record<string, ClassAdFunction>>

/** Arguments of one call at most; a call in a text has its own bound. */
export const ANY_COUNT = Infinity

export function takes(countMin: number, countMax: number, apply: ValueFunction['apply']): ValueFunction {
  return { countMin, countMax, apply }
}

/** Strict in all arguments: an error among them is the result, or else undefined, and `apply` sees neither. */
export function strict(countMin: number, countMax: number, apply: ValueFunction['apply']): ValueFunction {
  return takes(countMin, countMax, (values, run) => {
    const error = values.find((value) => value instanceof ErrorValue)
    if (error !== undefined) return error
    return values.includes(undefined) ? undefined : apply(values, run)
  })
}

export function wrong(name: string, expected: string): ErrorValue {
  return new ErrorValue(`${name} takes ${expected}`)
}
