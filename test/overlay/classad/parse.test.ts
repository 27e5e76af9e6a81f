import { describe, expect, test } from 'vitest'
import {
  EXPRESSION_CHARS_MAX,
  EXPRESSION_HEIGHT_MAX,
  EXPRESSION_NODES_MAX,
  formatExpression,
  formatValue,
  functionNames,
  NESTING_DEPTH_MAX,
  parseAd,
  parseAds,
  parseExpression,
  parseOldAd,
  parseOldAds,
} from '../../../overlay/classad/index.ts'
import { RoostError } from '../../../overlay/error/index.ts'

function refusal(parse: () => unknown): RoostError {
  try {
    parse()
  } catch (error) {
    if (error instanceof RoostError) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe('parsing', () => {
  test.each([
    ['1 + 2 * 3', '1 + 2 * 3'],
    ['(1 + 2) * 3', '(1 + 2) * 3'],
    ['((a))', 'a'],
    ['a-1', 'a - 1'],
    ['a - -1', 'a - -1'],
    ['-(1)', '-(1)'],
    ['a is undefined', 'a =?= undefined'],
    ['a ISNT Error', 'a =!= error'],
    ['a ? b : c ? d : e', 'a ? b : c ? d : e'],
    ['(a ? b : c) ? d : e', '(a ? b : c) ? d : e'],
    ['a ? : b ?: c', 'a ?: b ?: c'],
    ['a + b ?: c', 'a + b ?: c'],
    ['(a + b) ?: c', '(a + b) ?: c'],
    ['self.a + other.b + parent.c + toplevel.d + .e', 'MY.a + TARGET.b + parent.c + .d + .e'],
    ["'my'.x", "'my'.x"],
    ["'odd name' + 'plain'", "'odd name' + plain"],
    ['"a" "b"', '"ab"'],
    ['"\\101\\x\\\\\\""', '"Ax\\\\\\""'],
    ['a /* b */ + // c\n d', 'a + d'],
    ['1e3', '1000.0'],
    ['.5', '0.5'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['{1,2,}', '{ 1, 2 }'],
    ['[a=1;;b=2;]', '[ a = 1; b = 2 ]'],
    ['f( )', 'f()'],
    ['1gib', '1073741824'],
    ['250MHz', '250.0'],
    ['500Hz', '5.0e-4'],
    ['10is 10', '10 =?= 10'],
  ])('%s reads as %s', (text, expected) => {
    const formatted = formatExpression(parseExpression(text))
    expect(formatExpression(parseExpression(expected))).toBe(formatted)
    if (!expected.includes('e-')) expect(formatted).toBe(expected)
  })

  test.each([
    ['Cores >=', 1, 9, 'an expression', 'the end'],
    ['Cores >= 8 &&\n  || x', 2, 3, 'an expression', '`||`'],
    ['(a', 1, 3, 'an operator or `)`', 'the end'],
    ['a b', 1, 3, 'an operator or the end', '`b`'],
    ['f(a b)', 1, 5, '`,` or `)`', '`b`'],
    ['a ? b', 1, 6, '`:`', 'the end'],
    ['a.5', 1, 2, 'an operator or the end', '`.5`'],
    ['"abc', 1, 5, '`"` to end', 'the end'],
    ['a /* b', 1, 7, '`*/` to end', 'the end'],
    ['099', 1, 1, 'octal', '099'],
    ['9223372036854775808', 1, 1, '64 bits', '9223372036854775808'],
    ['16GiBs', 1, 3, 'an operator or the end', '`GiBs`'],
    ['a @ b', 1, 3, 'an expression', '`@`'],
    ['[a = 1 b = 2]', 1, 8, '`;` or `]`', '`b`'],
    ['', 1, 1, 'an expression', 'the end'],
  ])('%j is refused at line %i, column %i', (text, line, column, expected, found) => {
    const error = refusal(() => parseExpression(text))
    expect(error).toMatchObject({ code: 'EXPRESSION_MALFORMED', line, column })
    expect(error.data?.['expected']).toContain(expected)
    expect(error.data?.['found']).toBe(found)
  })

  test('a function that does not exist is refused where the known ones are given', () => {
    const options = { functions: functionNames() }
    expect(refusal(() => parseExpression('Cores > 1 && membr("a", b)', options))).toMatchObject({ line: 1, column: 14 })
    expect(() => parseExpression('MEMBER("a", b)', options)).not.toThrow()
    expect(() => parseExpression('membr("a", b)')).not.toThrow()
  })

  test.each([
    ['characters', () => ' '.repeat(EXPRESSION_CHARS_MAX + 1)],
    ['parts', () => `{${'1,'.repeat(EXPRESSION_NODES_MAX)}}`],
    ['brackets', () => '('.repeat(NESTING_DEPTH_MAX + 1)],
    ['unary operators', () => `${'!'.repeat(NESTING_DEPTH_MAX + 1)}a`],
    ['ads', () => '[a='.repeat(NESTING_DEPTH_MAX + 1)],
    ['a chain', () => `a${'+a'.repeat(EXPRESSION_HEIGHT_MAX)}`],
    ['selections', () => `a${'.a'.repeat(EXPRESSION_HEIGHT_MAX)}`],
  ])('too many %s are refused', (_, text) => {
    expect(refusal(() => parseExpression(text())).code).toBe('EXPRESSION_TOO_LARGE')
  })
})

describe('ads', () => {
  test('the new syntax takes one ad, or several in a row', () => {
    expect(formatValue(parseAd('[ a = 1; A = 2 ]'))).toBe('[ A = 2 ]')
    expect(parseAds('[a=1] [b=2], [c=3]').map((ad) => formatValue(ad))).toEqual(['[ a = 1 ]', '[ b = 2 ]', '[ c = 3 ]'])
  })

  test('brackets can be left out where that is asked for', () => {
    expect(formatValue(parseAd('a = 1;\nb = "x";', { brackets: 'optional' }))).toBe('[ a = 1; b = "x" ]')
    expect(formatValue(parseAd('[ a = 1 ];', { brackets: 'optional' }))).toBe('[ a = 1 ]')
    expect(refusal(() => parseAd('a = 1')).code).toBe('EXPRESSION_MALFORMED')
  })

  test('the old syntax has a line an attribute, and empty lines between ads', () => {
    const text = '# of a machine\nA = 1\n\tB = A + 1\r\n\nA = 3\n'
    expect(parseOldAds(text).map((ad) => formatValue(ad))).toEqual(['[ A = 1; B = A + 1 ]', '[ A = 3 ]'])
  })

  test('in the old syntax a backslash is itself but before a quote', () => {
    expect(parseOldAd('a = "c:\\dir\\new"').lookup('a')).toEqual({ kind: 'literal', value: 'c:\\dir\\new' })
    expect(parseOldAd('a = "say \\"hi\\" now"').lookup('a')).toEqual({ kind: 'literal', value: 'say "hi" now' })
    expect(parseOldAd('a = "c:\\"').lookup('a')).toEqual({ kind: 'literal', value: 'c:\\' })
  })

  test('an error in the old syntax is placed in the whole text', () => {
    expect(refusal(() => parseOldAd('a = 1\nb = 2 +\nc = 3'))).toMatchObject({ line: 2, column: 8 })
    expect(refusal(() => parseOldAd('a = 1\n  what is this'))).toMatchObject({ line: 2, column: 3 })
    expect(refusal(() => parseOldAd('a = 007'))).toMatchObject({ line: 1, column: 5 })
  })
})
