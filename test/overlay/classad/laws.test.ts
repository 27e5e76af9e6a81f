import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Ad,
  evaluate,
  formatExpression,
  formatValue,
  isExpressionEqual,
  isIdentical,
  parseAd,
  parseExpression,
  typeOf,
} from '../../../overlay/classad/index.ts'
import { RoostError } from '../../../overlay/error/index.ts'
import { seededRng } from '../../../overlay/env/index.ts'
import { expressions, literals } from './expressions.arbitrary.ts'

const ads = () =>
  fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'Cores', 'my', 'odd name', '_x1'), expressions()), { maxLength: 5 })
    .map((attributes) => Ad.of(attributes))

describe('laws of the expression language', () => {
  test('what is formatted parses to the same tree', () => {
    fc.assert(
      fc.property(expressions(), (expression) => {
        const text = formatExpression(expression)
        const parsed = parseExpression(text)
        if (!isExpressionEqual(parsed, expression)) expect.fail(`${text} reads as ${formatExpression(parsed)}`)
        expect(formatExpression(parsed)).toBe(text)
      }),
      { numRuns: 3_000 },
    )
  })

  test('an ad parses to itself', () => {
    fc.assert(fc.property(ads(), (ad) => isExpressionEqual(parseAd(formatValue(ad)).node, ad.node)))
  })

  test('evaluation never throws, ends, and gives the same again', () => {
    fc.assert(
      fc.property(expressions(), ads(), ads(), (expression, my, target) => {
        const context = () => ({ wallMs: 1_700_000_000_000, rng: seededRng(1) })
        const value = evaluate(expression, { my, target }, context())
        const again = evaluate(expression, { my, target }, context())
        expect(formatValue(again)).toBe(formatValue(value))
      }),
      { numRuns: 3_000 },
    )
  })

  test('a value that is neither ad nor list evaluates from its own text', () => {
    fc.assert(
      fc.property(literals(), (value) => {
        const again = evaluate(parseExpression(formatValue(value)))
        expect(formatValue(again)).toBe(formatValue(value))
        expect(typeOf(again)).toBe(typeOf(value))
      }),
    )
  })

  test('=?= is total, symmetric, and the opposite of =!=', () => {
    fc.assert(
      fc.property(literals(), literals(), (left, right) => {
        expect(isIdentical(left, right)).toBe(isIdentical(right, left))
        const [same, other] = ['=?=', '=!='].map((operator) =>
          evaluate(parseExpression(`a ${operator} b`), {
            my: Ad.of([
              ['a', { kind: 'literal', value: left }],
              ['b', { kind: 'literal', value: right }],
            ]),
          }),
        )
        expect([same, other]).toContain(true)
        expect([same, other]).toContain(false)
      }),
    )
  })

  test('any text parses or is refused with a place', () => {
    const pieces = fc.constantFrom(
      ...['a', '1', '1.5', '"x"', "'q'", '(', ')', '[', ']', '{', '}', '=', ';', ',', '.'],
      ...['?', ':', '-', '!', '&&', '||', '==', '=?=', 'is', 'GiB', '//', '/*', '\\', '"', '\n', ' ', 'f('],
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        try {
          formatExpression(parseExpression(text))
        } catch (error) {
          expect(error).toBeInstanceOf(RoostError)
          expect((error as RoostError).code).toBe('EXPRESSION_MALFORMED')
          expect((error as RoostError).line).toBeGreaterThanOrEqual(1)
          expect((error as RoostError).column).toBeGreaterThanOrEqual(1)
          expect((error as RoostError).data).toHaveProperty('expected')
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
