import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as classad from '../../../overlay/classad/index.ts'
import * as patternBounds from '../../../overlay/classad/pattern/bounds.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/expressions.md'), 'utf8')
const { evaluate, formatValue, functionNames, parseAd, parseExpression } = classad

const examples = [...page.matchAll(/^(.+) → (.+)$/gm)]
  .map(([, expression, value]) => ({ expression: expression!, value: value! }))
  .filter(({ expression }) => !expression.startsWith('Lines of the form'))

const machine = parseAd(`[ ${/with `(Cores = .*?)`\./s.exec(page)![1]!} ]`)

const LETTERS: { readonly [letter: string]: string } = { T: 'true', F: 'false', U: 'undefined', E: 'error' }

/** The rows of a truth table: the left value, and the result for each right value in the order T, F, U, E. */
function truthTable(operator: string): string[][] {
  const start = page.indexOf(`| \`${operator}\` | T`)
  return page
    .slice(start)
    .split('\n')
    .slice(2, 6)
    .map((row) =>
      row
        .replaceAll('*', '')
        .split('|')
        .slice(1, -1)
        .map((cell) => LETTERS[cell.trim()]!),
    )
}

describe('docs/expressions.md', () => {
  test.each(examples)('$expression gives $value', ({ expression, value }) => {
    expect(formatValue(evaluate(parseExpression(expression), { my: machine }))).toBe(value)
  })

  test('its examples are found', () => {
    expect(examples.length).toBeGreaterThan(50)
  })

  test.each([
    ['&&', '&&'],
    ['||', '\\|\\|'],
  ])('the truth table of %s is that of the language', (operator, written) => {
    for (const [left, ...results] of truthTable(written)) {
      const given = Object.values(LETTERS).map((right) =>
        formatValue(evaluate(parseExpression(`${left} ${operator} ${right}`))),
      )
      expect(given).toEqual(results)
    }
  })

  test('it names every function', () => {
    const words = new Set(page.toLowerCase().match(/[a-z_0-9]+/g))
    const families = [...functionNames()].filter((name) => !words.has(name))
    // Families are written once: `versionEQ LT LE GT GE`, `stringListSize Sum Avg Min Max`.
    for (const name of families) expect(words).toContain(name.replace(/^(?:version|stringlist)/, ''))
  })

  test('the bounds that it names are those of the code', () => {
    const bounds = [
      classad.EXPRESSION_CHARS_MAX,
      classad.EXPRESSION_NODES_MAX,
      classad.NESTING_DEPTH_MAX,
      classad.EXPRESSION_HEIGHT_MAX,
      classad.EVALUATION_STEPS_MAX,
      classad.EVALUATION_DEPTH_MAX,
      classad.TEXT_VALUE_CHARS_MAX,
      classad.LIST_ITEMS_MAX,
      patternBounds.PATTERN_CHARS_MAX,
      patternBounds.PATTERN_INSTRUCTIONS_MAX,
    ]
    const written = page.slice(page.indexOf('## Bounds'), page.indexOf('## What differs')).match(/[0-9][0-9,]*/g)!
    expect(written.map((number) => Number(number.replaceAll(',', '')))).toEqual(bounds)
  })
})
