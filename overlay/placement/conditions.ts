import { knownAttribute, resolvedName } from '../attributes/index.ts'
import {
  EXPRESSION_HEIGHT_MAX,
  evaluate,
  SCOPE_NAMES,
  type BinaryNode,
  type BinaryOperator,
  type CallNode,
  type Expression,
  type Value,
} from '../classad/index.ts'
import { bothOf, boxOf, eitherOf, EVERYWHERE, NOWHERE, type Box } from './boxes.ts'
import { unite, type Interval, type Intervals } from './intervals.ts'
import { after, OTHER, type Bound, type Ordered } from './ordered.ts'

/**
 * Boxes that hold every table of attributes over which the expression is true. They may hold others too: what is not understood here
 * (arithmetic over attributes, functions, dynamic attributes) rules nobody out.
 *
 * Expressions have a third truth value, so that what makes `!x` true is not all that does not make `x` true: each part is asked
 * for both truths on its own. A strict comparison with anything absent is neither.
 */
export function boxesOf(where: Expression): readonly Box[] {
  return boxesWhere(where, true, EXPRESSION_HEIGHT_MAX)
}

/** Where the expression has this truth value, a number other than zero being true. */
function boxesWhere(expression: Expression, truth: boolean, heightLeft: number): readonly Box[] {
  if (heightLeft <= 0) return EVERYWHERE
  const within = (part: Expression, partTruth: boolean): readonly Box[] => boxesWhere(part, partTruth, heightLeft - 1)
  switch (expression.kind) {
    case 'literal':
      return isTruth(expression.value, truth) ? EVERYWHERE : NOWHERE
    case 'attribute':
    case 'select':
      return boxesAt(nameIn(expression), TRUTHS[truth ? 'true' : 'false'])
    case 'unary':
      return expression.operator === '!' ? within(expression.operand, !truth) : EVERYWHERE
    case 'binary':
      if (expression.operator === '&&' || expression.operator === '||') {
        const needsBoth = (expression.operator === '&&') === truth
        const combine = needsBoth ? bothOf : eitherOf
        return combine(within(expression.left, truth), within(expression.right, truth))
      }
      return whereComparison(expression, truth)
    case 'call':
      return whereCall(expression, truth)
  }
  return EVERYWHERE
}

function isTruth(value: Value, truth: boolean): boolean {
  switch (typeof value) {
    case 'boolean':
      return value === truth
    case 'bigint':
      return (value !== 0n) === truth
    case 'number':
      return (value !== 0) === truth
  }
  return false
}

/** A name that an expression reads. One that it finds below another, `gpu.driver`, may be an error where that is no ad. */
interface NamedValue {
  readonly name: string
  readonly isDotted: boolean
}

/** Undefined where it is no plain name, or where what it means here is not what it means at the node. */
function nameIn(expression: Expression): NamedValue | undefined {
  const parts: string[] = []
  let at = expression
  while (at.kind === 'select') {
    parts.unshift(at.name.toLowerCase())
    at = at.from
  }
  if (at.kind !== 'attribute' || at.scope === 'parent') return undefined
  const first = at.name.toLowerCase()
  if (at.scope === 'near' && SCOPE_NAMES.has(first)) return undefined
  const name = [first, ...parts].join('.')
  return knownAttribute(resolvedName(name))?.dynamic === true ? undefined : { name, isDotted: parts.length > 0 }
}

function boxesAt(named: NamedValue | undefined, intervals: Intervals | undefined): readonly Box[] {
  return named === undefined || intervals === undefined ? EVERYWHERE : boxOf(named.name, intervals)
}

// Comparisons

const MIRRORED: Partial<Record<BinaryOperator, BinaryOperator>> = {
  '==': '==',
  '!=': '!=',
  '=?=': '=?=',
  '=!=': '=!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

const NEGATED: Partial<Record<BinaryOperator, BinaryOperator>> = {
  '==': '!=',
  '!=': '==',
  '=?=': '=!=',
  '=!=': '=?=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}

function whereComparison({ operator, left, right }: BinaryNode, truth: boolean): readonly Box[] {
  const isMirrored = isConstant(left)
  const wanted = truth ? operator : NEGATED[operator]
  const asRead = wanted !== undefined && isMirrored ? MIRRORED[wanted] : wanted
  if (asRead === undefined || MIRRORED[asRead] === undefined || (!isMirrored && !isConstant(right))) return EVERYWHERE
  const named = nameIn(isMirrored ? right : left)
  return boxesAt(named, valuesThat(asRead, evaluate(isMirrored ? left : right), named?.isDotted === true))
}

/** Literals, and arithmetic over them: `4 * 1024`. */
function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return true
    case 'unary':
      return isConstant(expression.operand)
    case 'binary':
      return isConstant(expression.left) && isConstant(expression.right)
  }
  return false
}

/** The values that stand in this relation to a constant; undefined where that is not told by the order alone. */
function valuesThat(operator: BinaryOperator, constant: Value, isDotted: boolean): Intervals | undefined {
  if (operator === '=?=') return valuesIdenticalTo(constant)
  if (operator === '=!=') {
    // An error is identical to none of these.
    if (isDotted) return undefined
    if (constant === undefined) return [{ low: OTHER, high: undefined }]
    return typeof constant === 'boolean' ? allBut(constant) : undefined
  }
  if (typeof constant === 'string') return related(operator, constant.toLowerCase(), '', undefined)
  const number = typeof constant === 'boolean' ? Number(constant) : constant
  if (typeof number === 'bigint') return numbersThat(operator, number)
  return typeof number === 'number' && !Number.isNaN(number) ? numbersThat(operator, number) : undefined
}

/** Kinds and case matter to `=?=`, which here only means fewer values than these. */
function valuesIdenticalTo(constant: Value): Intervals | undefined {
  if (constant === undefined) return only(null)
  if (typeof constant === 'boolean') return only(constant)
  if (typeof constant === 'string') return only(constant.toLowerCase())
  if (typeof constant === 'bigint') return only(Number(constant))
  return typeof constant === 'number' && !Number.isNaN(constant) ? only(constant) : undefined
}

/**
 * Beside a number true and false are 1 and 0. An integer that no double is equal to lies between two of them: the nearer one is
 * kept in, whatever the relation.
 */
function numbersThat(operator: BinaryOperator, constant: bigint | number): Intervals {
  const nearest = Number(constant)
  const numbers = related(operator, nearest, -Infinity, '')
  const truths = [false, true].filter((truth) => holds(operator, BigInt(truth), constant))
  return unite([...truths.flatMap(only), ...numbers, ...(nearest == constant ? [] : only(nearest))])
}

function holds(operator: BinaryOperator, left: bigint, right: bigint | number): boolean {
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '!=':
      return left != right
  }
  return left == right
}

/** Among the values from `low` to below `high`. */
function related(operator: BinaryOperator, value: Ordered, low: Ordered, high: Bound): Intervals {
  switch (operator) {
    case '<':
      return unite([{ low, high: value }])
    case '<=':
      return unite([{ low, high: after(value) }])
    case '>':
      return unite([{ low: after(value), high }])
    case '>=':
      return unite([{ low: value, high }])
    case '==':
      return only(value)
    case '!=':
      return unite([
        { low, high: value },
        { low: after(value), high },
      ])
  }
  return unite([{ low, high }])
}

function only(value: Ordered): Interval[] {
  return [{ low: value, high: after(value) }]
}

function allBut(value: Ordered): Intervals {
  return unite([
    { low: null, high: value },
    { low: after(value), high: undefined },
  ])
}

/** Of an attribute that stands as a condition by itself. */
const TRUTHS: Readonly<Record<'true' | 'false', Intervals>> = {
  true: unite([...only(true), { low: -Infinity, high: 0 }, { low: after(0), high: '' }]),
  false: unite([...only(false), ...only(0)]),
}

// Functions

function whereCall({ name, arguments: values }: CallNode, truth: boolean): readonly Box[] {
  const [first, second] = values
  switch (name.toLowerCase()) {
    case 'isundefined':
      if (values.length !== 1) return EVERYWHERE
      return whereComparison({ kind: 'binary', operator: '=?=', left: first!, right: UNDEFINED }, truth)
    case 'member':
    case 'identicalmember':
      if (values.length !== 2 || !truth || second!.kind !== 'list') return EVERYWHERE
      return boxesAt(nameIn(first!), valuesAmong(second!.items, name.toLowerCase() === 'member' ? '==' : '=?='))
    case 'stringlistmember':
    case 'stringlistimember':
      if (values.length !== 2 || !truth || second!.kind !== 'literal' || typeof second!.value !== 'string')
        return EVERYWHERE
      return boxesAt(nameIn(first!), unite(textsIn(second!.value).flatMap(only)))
  }
  return EVERYWHERE
}

const UNDEFINED: Expression = { kind: 'literal', value: undefined }

function valuesAmong(items: readonly Expression[], operator: BinaryOperator): Intervals | undefined {
  const all: Interval[] = []
  for (const item of items) {
    const values = isConstant(item) ? valuesThat(operator, evaluate(item), false) : undefined
    if (values === undefined) return undefined
    all.push(...values)
  }
  return unite(all)
}

/** The items of a list that is kept in a text. */
function textsIn(list: string): string[] {
  return list
    .split(/[ ,]/)
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
}
