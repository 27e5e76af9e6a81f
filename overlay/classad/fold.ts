import type { CallNode, Expression, LiteralNode } from './syntax.ts'
import { parseAbsoluteTime, parseRelativeTime } from './time-text.ts'
import { ErrorValue, type LiteralValue } from './value.ts'

/** What the word `error` in an expression stands for. */
export const WRITTEN_ERROR = new ErrorValue('the expression says error')

/**
 * Times and the odd reals have no spelling of their own but a call with a text: as in HTCondor such a call is the literal,
 * so that what was formatted parses back to the same. A call that makes no sense stays a call, and evaluates to an error.
 */
export function foldCall(call: CallNode): CallNode | LiteralNode {
  const [argument, ...others] = call.arguments
  if (argument === undefined || others.length > 0) return call
  const value = foldedValue(call.name.toLowerCase(), argument)
  return value === undefined ? call : { kind: 'literal', value }
}

function foldedValue(name: string, argument: Expression): LiteralValue {
  if (argument.kind !== 'literal' || typeof argument.value !== 'string') return undefined
  switch (name) {
    case 'abstime':
      return parseAbsoluteTime(argument.value)
    case 'reltime':
      return parseRelativeTime(argument.value)
    case 'real':
      return ODD_REALS.get(argument.value)
  }
  return undefined
}

const ODD_REALS: ReadonlyMap<string, number> = new Map([
  ['INF', Infinity],
  ['-INF', -Infinity],
  ['NaN', NaN],
])
