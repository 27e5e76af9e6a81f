import { describe, expect, test } from 'vitest'
import {
  Ad,
  ErrorValue,
  EVALUATION_STEPS_MAX,
  evaluate,
  evaluateAttribute,
  formatValue,
  isAcceptedBy,
  isTrue,
  parseAd,
  parseExpression,
  referencedNames,
  symmetricMatch,
  type EvaluationContext,
  type Expression,
  type Scope,
  type Value,
} from '../../../overlay/classad/index.ts'
import { seededRng } from '../../../overlay/env/index.ts'

function valueIn(text: string, my = '[]', target?: string, context?: EvaluationContext): string {
  const scopes = { my: parseAd(my), ...(target !== undefined && { target: parseAd(target) }) }
  return formatValue(evaluate(parseExpression(text), scopes, context))
}

function reasonOf(value: Value): string {
  return value instanceof ErrorValue ? value.reason : `no error but ${formatValue(value)}`
}

describe('names', () => {
  test('a bare name is the own attribute first and the other one otherwise', () => {
    expect(valueIn('{ x, y, z }', '[ x = 1 ]', '[ x = 2; y = 3 ]')).toBe('{ 1, 3, undefined }')
  })

  test('MY and TARGET keep to their side', () => {
    expect(valueIn('{ MY.x, TARGET.x, MY.y, other.y }', '[ x = 1 ]', '[ x = 2; y = 3 ]')).toBe('{ 1, 2, undefined, 3 }')
  })

  test('an attribute of the target sees its own ad as MY and ours as its target', () => {
    expect(valueIn('TARGET.k', '[ l = 5; x = 1 ]', '[ k = TARGET.l + x; x = 2 ]')).toBe('7')
  })

  test('nested ads see what stands around them, through selection too', () => {
    const ad = '[ a = 1; inner = [ b = a + 1; deep = [ c = b + parent.b + .a ] ] ]'
    expect(valueIn('inner.deep.c', ad)).toBe('5')
    expect(valueIn('inner["DEEP"].c', ad)).toBe('5')
  })

  test('scopes are values where they are ads', () => {
    expect(valueIn('MY', '[ a = 1 ]')).toBe('[ a = 1 ]')
    expect(valueIn('TARGET')).toBe('undefined')
    expect(valueIn('parent')).toBe('undefined')
  })

  test('a circle of references is an error, one that is not entered is none', () => {
    expect(valueIn('a', '[ a = b + 1; b = a + 1 ]')).toBe('error')
    expect(valueIn('a', '[ a = true || a ]')).toBe('true')
    expect(valueIn('TARGET.a', '[ a = TARGET.a ]', '[ a = TARGET.a ]')).toBe('error')
    expect(valueIn('a + a', '[ a = 1 ]')).toBe('2')
  })

  test('a host gives its attributes as values or expressions, and both scopes can be one', () => {
    const attributes = new Map<string, Value | Expression>([
      ['cores', 8n],
      ['software', ['python']],
      ['freecores', parseExpression('Cores - 2')],
    ])
    const node: Scope = { lookup: (name) => attributes.get(name) }
    const where = parseExpression('Cores == TARGET.CORES && other.FreeCores == 6 && member("python", MY.Software)')
    expect(isTrue(evaluate(where, { my: node, target: node }))).toBe(true)
    expect(isTrue(evaluate(where))).toBe(false)
  })

  test('a scope that throws away an ad of an expression keeps where it stood', () => {
    const ad = evaluate(parseExpression('[ a = Cores + 1 ]'), { my: parseAd('[ Cores = 4 ]') })
    expect(ad).toBeInstanceOf(Ad)
    expect(evaluateAttribute(ad as Ad, 'A')).toBe(5n)
  })
})

describe('functions that look at the world', () => {
  test('are errors without a clock and a source of chance', () => {
    for (const call of ['time()', 'currentTime()', 'dayTime()', 'absTime()', 'formatTime()', 'random()', 'random(5)'])
      expect(valueIn(call)).toBe('error')
  })

  test('take both from the context', () => {
    const context = { wallMs: 1_714_564_800_500, rng: seededRng(3) }
    expect(valueIn('time()', '[]', undefined, context)).toBe('1714564800')
    expect(valueIn('formatTime(absTime(), "%Y-%m-%dT%T%z")', '[]', undefined, context)).toBe(
      '"2024-05-01T12:00:00+0000"',
    )
    const drawn = Number(valueIn('random(10)', '[]', undefined, context))
    expect(drawn).toBeGreaterThanOrEqual(0)
    expect(drawn).toBeLessThan(10)
  })
})

describe('functions', () => {
  test.each([
    [
      'formatTime(absTime("2024-12-31T23:59:59Z"), "%j %U %W %u %p %I %y %a %b %e %%")',
      '"366 52 53 2 PM 11 24 Tue Dec 31 %"',
    ],
    [
      'splitTime(relTime("-1+02:03:04"))',
      '[ Type = "RelativeTime"; Days = -1; Hours = 2; Minutes = 3; Seconds = 4.0 ]',
    ],
    ['absTime(86400, 3600)', 'absTime("1970-01-02T01:00:00+01:00")'],
    ['relTime("2d3h4m5s") == relTime("2+03:04:05")', 'true'],
    ['relTime("90") / 4', 'relTime("22.500")'],
    ['absTime("2024-01-01") + relTime(1e15)', 'error'],
    ['getDays(relTime(1e300))', 'error'],
    ['getDayOfWeek(absTime("2024-05-01T00:00:00Z"))', '3'],
    ['interval(-61)', '"-1:01"'],
    ['round(-2.5)', '-2'],
    ['int("12 apples")', '12'],
    ['int("apples")', 'error'],
    ['int(1e300)', 'error'],
    ['pow(2, 62) * 2', '-9223372036854775808'],
    ['pow(2, -1)', '0.5'],
    ['quantize(2.7, { 1, 2, 0.5 })', '3.0'],
    ['join(", ", "a", undefined, 1)', '"a, 1"'],
    ['strcat("a", undefined)', 'undefined'],
    ['allCompare("<", { 1, 2 }, 3)', 'true'],
    ['allCompare("<", {}, 3)', 'true'],
    ['member(1, { 2, 1.0 })', 'true'],
    ['identicalMember(1, { 2, 1.0 })', 'false'],
    ['member(undefined, { undefined })', 'undefined'],
    ['regexps("(\\\\w+)@(\\\\w+)", "me@host", "\\\\2:\\\\1")', '"host:me"'],
    ['regexps("x", "abc", "y")', '""'],
    ['replace("b*", "abc", "-")', '"-abc"'],
    ['replaceAll("b*", "abc", "-")', '"-a--c-"'],
    ['regexps("[a-c]", "abcd", "<\\\\0>", "g")', '"<a><b><c>"'],
    ['replace("a", "a", "\\\\1")', 'error'],
    ['regexpMember("^b", { "a", undefined })', 'undefined'],
    ['versioncmp("1.010", "1.09")', '-1'],
    ['envV1ToV2("A=1;B=two words")', '"A=1 \'B=two words\'"'],
    ['mergeEnvironment("A=1 B=2", undefined, "B=\'it\'\'s\' C=")', "\"A=1 'B=it''s' C=\""],
    ['argsToList("one \'two three\'")', '{ "one", "two three" }'],
    ['countMatches(n > 1, { [ n = 1 ], [ n = 2 ], undefined })', '1'],
    ['evalInEachContext(n + m, { [ n = 1 ], [ n = 2 ] })', '{ 11, 12 }'],
    ['eval("m " + "1")', 'error'],
    ['eval(strcat("m", " + 1"))', '11'],
    ['eval("1 +")', 'error'],
    ['unparse(wish)', '"m > Gpus && TARGET.x"'],
    ['unresolved(wish)', '"gpus,x"'],
    ['unresolved(wish, "^GPU")', 'true'],
    ['splitSlotName("slot1@host")', '{ "slot1", "host" }'],
    ['stringListMin("3, 1.5")', '1.5'],
    ['size(MY)', '2'],
    ['member()', 'error'],
    ['noSuchFunction(1)', 'error'],
  ])('%s is %s', (text, expected) => {
    expect(valueIn(text, '[ m = 10; wish = m > Gpus && TARGET.x ]')).toBe(expected)
  })

  test('an error has a reason', () => {
    expect(reasonOf(evaluate(parseExpression('noSuch(1)')))).toBe('there is no function noSuch')
    expect(reasonOf(evaluate(parseExpression('1 + "a"')))).toBe('+ does not take integer and string')
    expect(reasonOf(evaluate(parseExpression('regexp("(?=a)", "a")')))).toMatch(/look-around/)
  })
})

describe('bounds', () => {
  const doubling = (count: number): string =>
    `[ a0 = "xxxxxxxx"; ${Array.from({ length: count }, (_, at) => `a${at + 1} = strcat(a${at}, a${at})`).join(';')} ]`

  test('work that doubles with each attribute ends with an error', () => {
    expect(valueIn('size(a3)', doubling(60))).toBe('64')
    expect(valueIn('size(a60)', doubling(60))).toBe('error')
  })

  test('a chain of attributes that is too long is an error, wherever it is asked from', () => {
    const chain = Ad.of(Array.from({ length: 5_000 }, (_, at) => [`a${at}`, parseExpression(`a${at + 1}`)]))
    expect(reasonOf(evaluateAttribute(chain, 'a0'))).toMatch(/too deep/)
    const nested = Ad.of(
      Array.from({ length: 30 }, (_, at) => [
        `a${at}`,
        parseExpression(`${'f('.repeat(140)}a${at + 1}${')'.repeat(140)}`.replaceAll('f(', 'strcat(')),
      ]),
    )
    expect(reasonOf(evaluateAttribute(nested, 'a0'))).toMatch(/too deep/)
  })

  test('a tree that was built higher than any text is an error', () => {
    let high: Expression = { kind: 'literal', value: 1n }
    for (let level = 0; level < 20_000; level++) high = { kind: 'unary', operator: '-', operand: high }
    expect(evaluate(high)).toBeInstanceOf(ErrorValue)
    for (const text of ['string(x)', 'x.a', 'unparse(y)', 'unresolved(y, "[")']) {
      const my: Scope = { lookup: (name) => (name === 'x' ? Ad.of([['a', high]]) : high) }
      expect(evaluate(parseExpression(text), { my })).toBeInstanceOf(ErrorValue)
    }
  })

  test('long texts, lists and patterns from a host are paid for', () => {
    const host: Scope = { lookup: () => 'a'.repeat(100_000) }
    for (const text of ['(a*)*(a*)*(a*)*b', '[^b]*[^b]*[^b]*b'])
      expect(reasonOf(evaluate(parseExpression(`regexp("${text}", x)`), { my: host }))).toMatch(/steps/)
    const many = parseExpression(`anyCompare("!=", {${'x,'.repeat(9_000)}}, x)`)
    expect(reasonOf(evaluate(many, { my: host }))).toMatch(/steps/)
  })

  test('texts that would keep a naive reader busy for minutes are read or refused', () => {
    const spaces = ' '.repeat(200_000)
    for (const [text, x] of [
      ['absTime(x)', `${spaces}x`],
      ['relTime(x)', `1${spaces}x`],
      ['int(x)', '9'.repeat(200_000)],
      ['real(x)', `${'1'.repeat(200_000)}x`],
      ['stringListSum(x)', `${'1'.repeat(200_000)}x`],
      ['regexp(x, x)', '('.repeat(200_000)],
    ] as const)
      expect(evaluate(parseExpression(text), { my: { lookup: () => x } })).toSatisfy((value) => value !== undefined)
    expect(() => parseAd(`[ a = ${'9'.repeat(1_000_000)} ]`)).toThrow(/64 bits/)
  })

  test('a context can allow less', () => {
    const where = parseExpression('a == 1 || a == 2')
    expect(evaluate(where, {}, { stepsMax: 3 })).toBeInstanceOf(ErrorValue)
    expect(evaluate(where, {}, { stepsMax: 2 * EVALUATION_STEPS_MAX })).toBeUndefined()
  })
})

describe('matching', () => {
  const job = parseAd('[ Requirements = other.Memory >= 4000; Owner = "ann" ]')
  const machine = parseAd('[ Memory = 5000; Requirements = TARGET.Owner == "Ann" ]')

  test('holds where each accepts the other', () => {
    expect(symmetricMatch(job, machine)).toBe(true)
    expect(symmetricMatch(job, parseAd('[ Memory = 3000; Requirements = true ]'))).toBe(false)
  })

  test('is one-sided where only one is asked, and needs Requirements', () => {
    const shy = parseAd('[ Memory = 5000 ]')
    expect(isAcceptedBy(job, shy)).toBe(true)
    expect(isAcceptedBy(shy, job)).toBe(false)
    expect(symmetricMatch(job, shy)).toBe(false)
  })
})

describe('referencedNames', () => {
  test.each([
    ['Cores >= 8 && TARGET.Memory > other.DISK', ['cores', 'memory', 'disk']],
    ['member("x", Software) || f(MY.a)[b].c', ['software', 'a', 'b']],
    ['[ a = b; b = MY.c; d = parent.e ]', ['e']],
    ['parent.e', []],
    ['[ a = b; c = TARGET.t ].a', ['b', 't']],
    ['"text" =?= undefined', []],
  ])('%s reads %j', (text, names) => {
    expect([...referencedNames(parseExpression(text))]).toEqual(names)
  })
})
