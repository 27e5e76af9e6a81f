import { describe, expect, test } from 'vitest'
import type { Attributes } from '../../../overlay/index.ts'
import { questionOf, readQuestions, readWant, translatePredicate, WANT_ALL } from '../../../sim/queries/index.ts'

const MACHINE: Attributes = { Cores: 8, CpuSpeed: 2_400, Site: 'Lyon', 'gpu.driver': 550, model: 'Xeon (Gold) 5.0' }

/** Whether a predicate is true of the machine. */
function holds(predicate: string): boolean {
  return questionOf(translatePredicate(predicate), 1).isMatch(MACHINE)
}

describe('a predicate', () => {
  test.each([
    ['cores >= 8', true],
    ['CORES > 8', false],
    ['clock_hz = 2400000000', true],
    ['cores between 4 and 8 and clock_hz < 3e9', true],
    ["site = 'Lyon'", true],
    ["site = 'lyon'", false],
    ["site <> 'lyon'", true],
    ["site in ('Paris', 'Lyon')", true],
    ["site not in ('Paris', 'Lyon')", false],
    ["site like 'l%N'", true],
    ["site like 'L_n'", false],
    ["model like '%(gold) 5.0'", true],
    ["model like '%(gold) 5x0'", false],
    ['gpu.driver >= 550', true],
    ['cores = 1 or cores = 2 or cores = 8', true],
    ['cores = 8 or cores = 9 and cores = 10', true],
    ['(cores = 8 or cores = 9) and cores = 10', false],
    ['not cores < 8', true],
    ['not (cores >= 8 and clock_hz > 3000000000)', true],
    ["cpu_vendor = 'Intel'", false],
    ["cpu_vendor <> 'Intel'", false],
    ["not cpu_vendor = 'Intel'", false],
    ["cpu_vendor = 'Intel' or cores = 8", true],
    ["not (cpu_vendor = 'Intel' and cores = 8)", false],
    ["not (cpu_vendor = 'Intel' and cores = 9)", true],
    ["cpu_vendor like '%'", false],
    ["not cpu_vendor like 'x'", false],
    ['gpus < 1', false],
    ['not gpus < 1', false],
    ['cpu_vendor is null and site is not null', true],
    ["site = 'Ly''on'", false],
  ])('%s is %s, as SQL has it, where an empty cell is null', (predicate, is) => {
    expect(holds(predicate)).toBe(is)
  })

  test.each([
    ['cores >=', 'column 9: expected a number'],
    ['cores >= 8 and', 'expected a column, not the end'],
    ['cores 8', 'column 7: expected a comparison'],
    ['cores >= 8 cores', 'column 12'],
    ['(cores >= 8', 'expected `)`'],
    ['cores between 1 or 2', 'expected `and`'],
    ["site in ('a'", 'expected `,` or `)`'],
    ['site is 8', 'expected `null`'],
    ['cores >= $8', 'column 10'],
    ["site = 'open", 'is no part of a predicate'],
    ["site < 'm'", 'compared by = and <>'],
    ['', 'expected a column'],
    [`${'('.repeat(100)}cores = 1${')'.repeat(100)}`, 'brackets'],
  ])('that is "%s" is refused', (predicate, words) => {
    expect(() => translatePredicate(predicate)).toThrow(words)
    expect(() => translatePredicate(predicate)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe('a file of queries', () => {
  test('has them in both languages, and may say what each wants', () => {
    const text =
      '{"where": "Cores >= 8", "want": 3}\n\n{"predicate": "cores >= 8", "count": 930}\n{"where": "true", "want": "all"}'
    const questions = readQuestions(text, 'q.jsonl', 50)
    expect(questions.map(({ where, count }) => [where, count])).toEqual([
      ['Cores >= 8', 3],
      ['Cores >= 8', 50],
      ['true', WANT_ALL],
    ])
    expect(questions.map(({ isMatch }) => isMatch(MACHINE))).toEqual([true, true, true])
  })

  test.each([
    ['what is no JSON', 'cores >= 8', 1, 'no JSON'],
    ['no object', '{"where": "true"}\n[1]', 2, 'one object'],
    ['neither form', '{"where": "true"}\n{"count": 1}', 2, 'one of `where` and `predicate`'],
    ['both forms', '{"where": "true", "predicate": "cores = 1"}', 1, 'one of'],
    ['an expression that is none', '\n{"where": "Cores >="}', 2, 'line 2'],
    ['a predicate that is none', '{"predicate": "cores >="}', 1, 'column 9'],
    ['more than all', '{"where": "true", "want": 0}', 1, 'from 1 to'],
    ['nothing', '\n\n', 1, 'no query'],
  ])('with %s is refused with its line', (_, text, line, words) => {
    const reading = expect(() => readQuestions(text, 'q.jsonl', 50))
    reading.toThrow(expect.objectContaining({ code: 'USAGE', line, file: 'q.jsonl' }))
    reading.toThrow(words)
  })

  test.each(['0', '-1', '1.5', 'some', '1000001'])('%s is no number of nodes to want', (text) => {
    expect(() => readWant(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
