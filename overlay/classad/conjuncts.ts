import type { Expression } from './syntax.ts'

/** One of the conditions that must all hold. */
export interface Conjunct {
  /** As it stands in the whole. */
  readonly written: Expression
  /** In the form that is `true` where it holds: beside an `&&` a number other than zero does too, while alone it does not. */
  readonly condition: Expression
}

/** The conditions that `&&` joins, in the order in which they are written; of an expression without `&&` the whole. */
export function conjunctsOf(expression: Expression): Conjunct[] {
  const parts: Expression[] = []
  const open = [expression]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === 'binary' && next.operator === '&&') open.push(next.right, next.left)
    else parts.push(next)
  }
  if (parts.length === 1) return [{ written: parts[0]!, condition: parts[0]! }]
  return parts.map((written) => ({
    written,
    condition: { kind: 'binary', operator: '&&', left: written, right: { kind: 'literal', value: true } },
  }))
}
