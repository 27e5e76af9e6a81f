import type { CallNode, LiteralNode } from './syntax.ts'
import { parseAbsoluteTime, parseRelativeTime } from './time-text.ts'
import { ErrorValue, momentAt, spanOf, type LiteralValue } from './value.ts'

/** What the word `error` in an expression stands for. */
export const WRITTEN_ERROR = new ErrorValue('the expression says error')

/**
 * Times and the odd reals have no spelling of their own but a call: as in HTCondor such a call is the literal,
 * so that what was formatted parses back to the same. A call that makes no sense stays a call, and evaluates to an error.
 */
export function foldCall(call: CallNode): CallNode | LiteralNode {
  const values = call.arguments.map((argument) => (argument.kind === 'literal' ? argument.value : undefined))
  const value = foldedValue(call.name.toLowerCase(), values)
  return value === undefined ? call : { kind: 'literal', value }
}

function foldedValue(name: string, values: readonly LiteralValue[]): LiteralValue {
  const [first, second] = values
  if (values.length === 2 && name === 'abstime' && typeof first === 'number' && typeof second === 'number')
    return momentAt(first, second)
  if (values.length !== 1) return undefined
  if (name === 'reltime' && typeof first === 'number') return spanOf(first)
  if (typeof first !== 'string') return undefined
  switch (name) {
    case 'abstime':
      return parseAbsoluteTime(first)
    case 'reltime':
      return parseRelativeTime(first)
    case 'real':
      return ODD_REALS.get(first)
  }
  return undefined
}

const ODD_REALS: ReadonlyMap<string, number> = new Map([
  ['INF', Infinity],
  ['-INF', -Infinity],
  ['NaN', NaN],
])
