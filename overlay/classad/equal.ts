import type { Expression } from './syntax.ts'
import { AbsoluteTime, ErrorValue, RelativeTime, type LiteralValue } from './value.ts'

/**
 * Whether two trees say the same: names without regard to case, attributes of an ad in any order. A meter is charged a step
 * a node, and when it is used up the answer is false.
 */
export function isExpressionEqual(
  left: Expression,
  right: Expression,
  meter?: { charge(steps: number): boolean },
): boolean {
  const pairs: [Expression, Expression][] = [[left, right]]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    if (meter?.charge(1) === false) return false
    const parts = partsIfAlike(...pair)
    if (parts === undefined) return false
    for (const part of parts) pairs.push(part)
  }
  return true
}

/** The pairs of parts that must be equal for two nodes to be; undefined where the nodes themselves differ. */
function partsIfAlike(left: Expression, right: Expression): readonly [Expression, Expression][] | undefined {
  if (left.kind === 'literal' && right.kind === 'literal')
    return isSameLiteral(left.value, right.value) ? [] : undefined
  if (left.kind === 'attribute' && right.kind === 'attribute')
    return left.scope === right.scope && isSameName(left.name, right.name) ? [] : undefined
  if (left.kind === 'select' && right.kind === 'select')
    return isSameName(left.name, right.name) ? [[left.from, right.from]] : undefined
  if (left.kind === 'subscript' && right.kind === 'subscript')
    return [
      [left.from, right.from],
      [left.index, right.index],
    ]
  if (left.kind === 'unary' && right.kind === 'unary')
    return left.operator === right.operator ? [[left.operand, right.operand]] : undefined
  if (left.kind === 'binary' && right.kind === 'binary')
    return left.operator === right.operator
      ? [
          [left.left, right.left],
          [left.right, right.right],
        ]
      : undefined
  if (left.kind === 'conditional' && right.kind === 'conditional')
    return [
      [left.condition, right.condition],
      [left.then, right.then],
      [left.otherwise, right.otherwise],
    ]
  if (left.kind === 'call' && right.kind === 'call')
    return isSameName(left.name, right.name) ? zip(left.arguments, right.arguments) : undefined
  if (left.kind === 'list' && right.kind === 'list') return zip(left.items, right.items)
  if (left.kind === 'ad' && right.kind === 'ad') {
    const others = new Map(right.entries.map((entry) => [entry.name.toLowerCase(), entry.expression]))
    const matching = left.entries.map((entry) => others.get(entry.name.toLowerCase()))
    if (others.size !== matching.length || matching.includes(undefined)) return undefined
    return left.entries.map((entry, at) => [entry.expression, matching[at]!])
  }
  return undefined
}

function zip(left: readonly Expression[], right: readonly Expression[]): [Expression, Expression][] | undefined {
  return left.length === right.length ? left.map((item, at) => [item, right[at]!]) : undefined
}

function isSameName(left: string, right: string): boolean {
  return left === right || left.toLowerCase() === right.toLowerCase()
}

/** Unlike `=?=` this takes two NaN for the same. */
export function isSameLiteral(left: LiteralValue, right: LiteralValue): boolean {
  if (typeof left === 'number' && typeof right === 'number') return Object.is(left, right)
  if (left instanceof ErrorValue) return right instanceof ErrorValue
  if (left instanceof AbsoluteTime)
    return right instanceof AbsoluteTime && left.unixS === right.unixS && left.offsetS === right.offsetS
  if (left instanceof RelativeTime) return right instanceof RelativeTime && Object.is(left.seconds, right.seconds)
  return left === right
}
