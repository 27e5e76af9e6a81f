import { RoostError } from '../error/index.ts'
import { EXPRESSION_HEIGHT_MAX } from './bounds.ts'
import { childrenOf, LEVEL_OF, SCOPE_NAMES, type Expression } from './syntax.ts'
import { formatAbsoluteTime, formatRelativeTime, parseAbsoluteTime, parseRelativeTime } from './time-text.ts'
import { AbsoluteTime, ErrorValue, isList, RelativeTime, type LiteralValue, type Value } from './value.ts'

/**
 * Text that parses back to the same tree, with no more brackets than that needs. Throws `EXPRESSION_TOO_LARGE` on a tree
 * higher than `EXPRESSION_HEIGHT_MAX`, which no text parses to.
 */
export function formatExpression(expression: Expression): string {
  refuseHighTree(expression)
  return format(expression, LOOSEST)
}

/** A value as the literal, list or ad that evaluates to it. An error loses its reason. */
export function formatValue(value: Value): string {
  if (isList(value)) return value.length === 0 ? '{}' : `{ ${value.map(formatValue).join(', ')} }`
  return isLiteral(value) ? formatLiteral(value) : formatExpression(value.node)
}

function isLiteral(value: Exclude<Value, readonly Value[]>): value is LiteralValue {
  return typeof value !== 'object' || !('node' in value)
}

function refuseHighTree(root: Expression): void {
  let level: readonly Expression[] = [root]
  for (let height = 0; level.length > 0; height++) {
    if (height > EXPRESSION_HEIGHT_MAX)
      throw new RoostError('EXPRESSION_TOO_LARGE', 'the expression is too large: its tree is too high to be written', {
        data: { limit: EXPRESSION_HEIGHT_MAX },
      })
    level = level.flatMap(childrenOf)
  }
}

/** How tightly a place in the text binds what stands there: a node that binds looser than its place goes into brackets. */
const LOOSEST = -1
const UNARY_LEVEL = 100
const POSTFIX_LEVEL = 101

function format(expression: Expression, place: number): string {
  const [text, level] = unbracketed(expression)
  return level < place ? `(${text})` : text
}

function unbracketed(expression: Expression): [text: string, level: number] {
  switch (expression.kind) {
    case 'literal':
      return [formatLiteral(expression.value), startsWithMinus(expression.value) ? UNARY_LEVEL : POSTFIX_LEVEL]
    case 'attribute':
      return [formatAttribute(expression.scope, expression.name), POSTFIX_LEVEL]
    case 'select':
      return [`${formatSelected(expression.from)}.${formatName(expression.name)}`, POSTFIX_LEVEL]
    case 'subscript':
      return [`${format(expression.from, POSTFIX_LEVEL)}[${format(expression.index, LOOSEST)}]`, POSTFIX_LEVEL]
    case 'unary':
      return [expression.operator + formatOperand(expression.operand), UNARY_LEVEL]
    case 'binary':
      return formatBinary(expression)
    case 'conditional': {
      const [condition, then, otherwise] = [
        format(expression.condition, 0),
        format(expression.then, LOOSEST),
        format(expression.otherwise, LOOSEST),
      ]
      return [`${condition} ? ${then} : ${otherwise}`, LOOSEST]
    }
    case 'call':
      return [`${expression.name}(${formatItems(expression.arguments)})`, POSTFIX_LEVEL]
    case 'list':
      return [expression.items.length === 0 ? '{}' : `{ ${formatItems(expression.items)} }`, POSTFIX_LEVEL]
    case 'ad': {
      const entries = expression.entries.map(
        (entry) => `${formatName(entry.name)} = ${format(entry.expression, LOOSEST)}`,
      )
      return [entries.length === 0 ? '[]' : `[ ${entries.join('; ')} ]`, POSTFIX_LEVEL]
    }
  }
}

function formatBinary({ operator, left, right }: Extract<Expression, { kind: 'binary' }>): [string, number] {
  if (operator === '?:') {
    const nested = left.kind === 'binary' && left.operator === '?:'
    const first = nested ? `(${format(left, LOOSEST)})` : format(left, POSTFIX_LEVEL)
    return [`${first} ?: ${format(right, UNARY_LEVEL)}`, POSTFIX_LEVEL - 0.5]
  }
  const level = LEVEL_OF.get(operator)!
  return [`${format(left, level)} ${operator} ${format(right, level + 1)}`, level]
}

function formatItems(items: readonly Expression[]): string {
  return items.map((item) => format(item, LOOSEST)).join(', ')
}

/** A minus before a number would become part of it. */
function formatOperand(operand: Expression): string {
  const text = format(operand, UNARY_LEVEL)
  return /^[0-9.-]/.test(text) ? `(${text})` : text
}

/** Before a dot a bare `my` would be a scope, and a number would go on. */
function formatSelected(from: Expression): string {
  if (from.kind === 'attribute' && from.scope === 'near' && SCOPE_NAMES.has(from.name.toLowerCase()))
    return quoteName(from.name)
  const text = format(from, POSTFIX_LEVEL)
  return /^[0-9]/.test(text) ? `(${text})` : text
}

function formatAttribute(scope: string, name: string): string {
  const prefix = { near: '', my: 'MY.', target: 'TARGET.', parent: 'parent.', root: '.' }[scope]
  return `${prefix}${formatName(name)}`
}

const RESERVED: ReadonlySet<string> = new Set(['true', 'false', 'undefined', 'error', 'is', 'isnt'])

function formatName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !RESERVED.has(name.toLowerCase()) ? name : quoteName(name)
}

function quoteName(name: string): string {
  return `'${escape(name, "'")}'`
}

function startsWithMinus(value: LiteralValue): boolean {
  return (typeof value === 'bigint' && value < 0n) || (typeof value === 'number' && (value < 0 || Object.is(value, -0)))
}

function formatLiteral(value: LiteralValue): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      return formatReal(value)
    case 'string':
      return `"${escape(value, '"')}"`
  }
  if (value instanceof ErrorValue) return 'error'
  return value instanceof AbsoluteTime ? formatMoment(value) : formatSpan(value)
}

/** The shortest digits that parse back to the same real, with a point or an exponent so that it stays one. */
export function formatReal(value: number): string {
  if (Number.isNaN(value)) return 'real("NaN")'
  if (!Number.isFinite(value)) return value > 0 ? 'real("INF")' : 'real("-INF")'
  const digits = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(digits) ? digits : `${digits}.0`
}

/** Calls stand for what their text cannot say: a fraction of a second, an offset of seconds. */
function formatMoment(time: AbsoluteTime): string {
  const text = formatAbsoluteTime(time)
  const read = parseAbsoluteTime(text)
  const same = read !== undefined && read.unixS === time.unixS && read.offsetS === time.offsetS
  return same ? `absTime("${text}")` : `absTime(${formatReal(time.unixS)}, ${formatReal(time.offsetS)})`
}

function formatSpan(time: RelativeTime): string {
  const text = formatRelativeTime(time)
  const read = parseRelativeTime(text)
  return Object.is(read?.seconds, time.seconds) ? `relTime("${text}")` : `relTime(${formatReal(time.seconds)})`
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
])

function escape(text: string, quote: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is escaped here
  return text.replace(/[\x01-\x1f\\"']/g, (character) => {
    if (character === '"' || character === "'") return character === quote ? `\\${character}` : character
    return ESCAPED.get(character) ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
}
