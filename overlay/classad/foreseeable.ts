import { childrenOf, type Expression } from './syntax.ts'

/** Functions whose value does not follow from the attributes that stand in the expression. */
const UNFORESEEABLE: ReadonlySet<string> = new Set(['eval', 'random', 'time', 'currenttime', 'abstime', 'daytime'])

/** Whether an expression has the same value wherever and whenever the attributes that it names have the same ones. */
export function isForeseeable(expression: Expression): boolean {
  if (expression.kind === 'call' && UNFORESEEABLE.has(expression.name.toLowerCase())) return false
  return childrenOf(expression).every(isForeseeable)
}
