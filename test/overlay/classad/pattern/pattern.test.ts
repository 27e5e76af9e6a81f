import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  PatternFault,
  programFor,
  search,
  type Match,
  type PatternOptions,
} from '../../../../overlay/classad/pattern/index.ts'

const PLAIN: PatternOptions = { ignoreCase: false, multiline: false, dotAll: false, extended: false }

function find(pattern: string, text: string, options: Partial<PatternOptions> = {}): Match | undefined | 'exhausted' {
  const program = programFor(pattern, { ...PLAIN, ...options })
  if (program instanceof PatternFault) throw program
  return search(program, text, () => true)
}

/** What the whole pattern matched, and what its groups did; undefined for a group that took no part. */
function groups(
  pattern: string,
  text: string,
  options: Partial<PatternOptions> = {},
): (string | undefined)[] | undefined {
  const match = find(pattern, text, options)
  if (match === undefined || match === 'exhausted') return undefined
  return Array.from({ length: match.length / 2 }, (_, group) =>
    match[2 * group] === -1 ? undefined : text.slice(match[2 * group], match[2 * group + 1]),
  )
}

function refusal(pattern: string): string {
  const program = programFor(pattern, PLAIN)
  return program instanceof PatternFault ? program.message : 'taken'
}

describe('patterns', () => {
  test.each<[string, string, (string | undefined)[]]>([
    ['a(b|c)d', 'xacd', ['acd', 'c']],
    ['(a+)(a*)', 'aaa', ['aaa', 'aaa', '']],
    ['(a+?)(a*)', 'aaa', ['aaa', 'a', 'aa']],
    ['a|ab', 'ab', ['a']],
    ['^(?:(\\d+)\\.)?(\\d+)$', '12.34', ['12.34', '12', '34']],
    ['^(?:(\\d+)\\.)?(\\d+)$', '34', ['34', undefined, '34']],
    ['x{2,3}', 'xxxx', ['xxx']],
    ['x{2,3}?', 'xxxx', ['xx']],
    ['\\bfoo\\b', 'a foo b', ['foo']],
    ['[^a-c]+', 'abxyc', ['xy']],
    ['[[:digit:][:upper:]]+', 'abC3d', ['C3']],
    ['[]a]+', 'x]a', [']a']],
    ['[a\\-z]+', 'q-az', ['-az']],
    ['\\Qa.b\\E+', 'a.bb', ['a.bb']],
    ['\\x41\\x{1F600}', 'A\u{1F600}', ['A\u{1F600}']],
    ['(?i)ab(?-i)C', 'aBC', ['aBC']],
    ['(?i:a)b', 'Ab', ['Ab']],
    ['(?<year>\\d{4})-(?P<month>\\d\\d)', 'on 2024-05', ['2024-05', '2024', '05']],
    ['a(?#a comment)b', 'ab', ['ab']],
    ['end$', 'the end\n', ['end']],
    ['\\Aab\\z', 'ab', ['ab']],
    ['.', '\u{1F600}', ['\u{1F600}']],
    ['a{,2}', 'a{,2}', ['a{,2}']],
  ])('%s finds in %j', (pattern, text, expected) => {
    expect(groups(pattern, text)).toEqual(expected)
  })

  test('options change what matches', () => {
    expect(groups('B', 'abc', { ignoreCase: true })).toEqual(['b'])
    expect(groups('[A-C]+', 'abc', { ignoreCase: true })).toEqual(['abc'])
    expect(groups('^b$', 'a\nb\nc', { multiline: true })).toEqual(['b'])
    expect(groups('^b$', 'a\nb\nc')).toBeUndefined()
    expect(groups('a.b', 'a\nb', { dotAll: true })).toEqual(['a\nb'])
    expect(groups('a.b', 'a\nb')).toBeUndefined()
    expect(groups('a b # both', 'ab', { extended: true })).toEqual(['ab'])
  })

  test.each([
    ['(a)\\1', /back references/],
    ['(?=a)', /look-around/],
    ['(?<!a)b', /look-around/],
    ['(?>a)', /linear time/],
    ['a++', /possessive/],
    ['(a', /no end/],
    ['a)', /without its/],
    ['[a', /no end/],
    ['*a', /nothing before/],
    ['a**', /quantifier/],
    ['a{3,1}', /ends before/],
    ['a{100000}', /beyond 1000/],
    ['(a{1000}){1000}', /instructions/],
    ['(?:(?:(?:){1000}){1000}){1000}x{1000}{2}', /quantifier/],
    ['[z-a]', /ends before/],
    ['[[:nothing:]]', /no class/],
    ['\\y', /means nothing/],
    ['a\\', /backslash/],
    ['('.repeat(200) + ')'.repeat(200), /deep/],
    ['a'.repeat(5_000), /characters/],
  ])('%.40s is refused with the reason', (pattern, reason) => {
    expect(refusal(pattern)).toMatch(reason)
  })

  test('patterns that hang a backtracking engine take time in proportion to the text', () => {
    for (const pattern of ['(a*)*b', '(a+)+$', '(a|a)*c', '(a|aa)+$', '(.*)*x', '(?:a?){50}a{50}b']) {
      let steps = 0
      const program = programFor(pattern, PLAIN)
      if (program instanceof PatternFault) throw program
      search(program, `${'a'.repeat(1_000)}!`, (taken) => {
        steps += taken
        return true
      })
      expect(steps).toBeLessThan(1_002 * program.instructions.length)
    }
  })

  test('a search stops when its steps are used up', () => {
    const program = programFor('(a*)*b', PLAIN)
    if (program instanceof PatternFault) throw program
    let left = 50
    expect(search(program, 'a'.repeat(1_000), (taken) => (left -= taken) >= 0)).toBe('exhausted')
  })

  /**
   * Pieces that mean the same here and in JavaScript. A body that can match nothing is not repeated: JavaScript takes such
   * a round back and tries again, where PCRE and this engine go on.
   */
  interface Piece {
    readonly text: string
    readonly nullable: boolean
  }
  const atoms = fc.constantFrom<Piece>(
    ...['a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\d', '1', ' '].map((text) => ({ text, nullable: false })),
    ...['\\b', '^', '(?:)', '\\B'].map((text) => ({ text, nullable: true })),
  )
  const quantifiers = fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?', '{2,}')
  const pieces = fc.letrec<{ piece: Piece }>((tie) => ({
    piece: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atoms,
      fc
        .tuple(tie('piece'), tie('piece'))
        .map(([left, right]) => ({ text: left.text + right.text, nullable: left.nullable && right.nullable })),
      fc.tuple(tie('piece'), tie('piece')).map(([left, right]) => ({
        text: `(?:${left.text}|${right.text})`,
        nullable: left.nullable || right.nullable,
      })),
      fc
        .tuple(tie('piece'), quantifiers)
        .map(([body, quantifier]) =>
          body.nullable ? body : { text: `(?:${body.text})${quantifier}`, nullable: /^(?:[*?]|\{0)/.test(quantifier) },
        ),
    ),
  })).piece
  const patterns = pieces.map(({ text }) => text)
  const subjects = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' '), maxLength: 12 })

  test('finds what JavaScript finds, on random small patterns', () => {
    fc.assert(
      fc.property(patterns, subjects, fc.boolean(), (pattern, text, ignoreCase) => {
        const expected = new RegExp(pattern, ignoreCase ? 'i' : '').exec(text)
        const found = find(pattern, text, { ignoreCase })
        if (expected === null) expect(found).toBeUndefined()
        else expect(found).toEqual([expected.index, expected.index + expected[0].length])
      }),
      { numRuns: 5_000 },
    )
  })

  test('groups hold what they hold in JavaScript where no quantifier is around them', () => {
    const grouped = fc.array(fc.tuple(patterns, patterns), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(grouped, subjects, (parts, text) => {
        const pattern = parts.map(([group, rest]) => `(${group})${rest}`).join('|')
        expect(groups(pattern, text)).toEqual(new RegExp(pattern).exec(text)?.slice())
      }),
      { numRuns: 3_000 },
    )
  })
})
