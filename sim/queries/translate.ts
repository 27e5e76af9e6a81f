import { RoostError } from '../../overlay/error/index.ts'
import { columnOf } from '../population/index.ts'
import { parsePredicate, type Comparison, type Literal, type Predicate } from './predicate.ts'

/**
 * A predicate in the language of `roost find`, true for just those machines for which SQL's is. Both have a third truth value; but
 * text is compared here without regard to case, and exactly by `=?=`, which knows no third value. So negations are first moved
 * down to the comparisons (De Morgan holds in Kleene's logic), and a negated comparison of text asks that there be one.
 *
 * Columns have the names that they have in a table of machines, and numbers their unit there.
 */
export function translatePredicate(text: string): string {
  return translate(parsePredicate(text), false)
}

function translate(predicate: Predicate, isNegated: boolean): string {
  switch (predicate.kind) {
    case 'not':
      return translate(predicate.of, !isNegated)
    case 'and':
    case 'or': {
      const [left, right] = [translate(predicate.left, isNegated), translate(predicate.right, isNegated)]
      return (predicate.kind === 'and') !== isNegated ? `${left} && ${right}` : `(${left} || ${right})`
    }
    case 'null': {
      const { attribute } = read(predicate.column)
      return isNegated ? `${attribute} =!= undefined` : `${attribute} =?= undefined`
    }
    case 'like': {
      const { attribute } = read(predicate.column)
      const match = `regexp("^${patternOf(predicate.pattern)}$", ${attribute}, "is")`
      return isNegated ? `!${match}` : match
    }
    case 'compare':
      return compare(predicate.column, isNegated ? OPPOSITE[predicate.operator] : predicate.operator, predicate.value)
  }
}

const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}

function compare(name: string, operator: Comparison, value: Literal): string {
  const { attribute, divisor } = read(name)
  if (typeof value === 'number') return `${attribute} ${OF_NUMBERS[operator]} ${value / divisor}`
  const text = quoted(value)
  if (operator === '=') return `${attribute} =?= ${text}`
  if (operator === '<>') return `(${attribute} =!= ${text} && ${attribute} =!= undefined)`
  throw new RoostError('USAGE', `${name}: text is compared by = and <> only`)
}

const OF_NUMBERS: Readonly<Record<Comparison, string>> = {
  '=': '==',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** An attribute as it stands in an expression: a label with dots, or that is a word of the language, in quotes. */
function read(name: string): { readonly attribute: string; readonly divisor: number } {
  const column = columnOf(name)
  if (column === undefined) throw new RoostError('USAGE', `"${name}" can be no attribute`)
  return { attribute: attributeText(column.attribute), divisor: column.divisor }
}

/** A name as an expression has it. */
export function attributeText(name: string): string {
  return name.includes('.') || RESERVED.has(name.toLowerCase()) ? `'${name}'` : name
}
const RESERVED = new Set(['true', 'false', 'undefined', 'error', 'is', 'isnt', 'my', 'target', 'parent'])

/** A text literal. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** LIKE's `%` is any run of characters, `_` any one; all else is itself. */
function patternOf(pattern: string): string {
  const regular = [...pattern].map((character) => {
    if (character === '%') return '.*'
    if (character === '_') return '.'
    return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character
  })
  return quoted(regular.join('')).slice(1, -1)
}
