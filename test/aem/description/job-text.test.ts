import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JOB_TEXT_BYTES_MAX, parseJobText } from '../../../aem/description/index.ts'
import { RoostError } from '../../../overlay/index.ts'

function errorOf(text: string): RoostError {
  try {
    parseJobText(text, 'job.yaml')
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RoostError)
    return thrown as RoostError
  }
  throw new Error(`accepted: ${text}`)
}

describe('a job file is read', () => {
  test('as YAML', () => {
    const { description } = parseJobText(
      'name: render\nrun: |\n  one\n  two\nnodes: 4\nlimits: { time: 2h, memory: 8GiB }\n',
      'job.yaml',
    )
    expect(description).toMatchObject({
      name: 'render',
      run: 'one\ntwo\n',
      nodes: 4,
      limits: { timeMs: 7_200_000, memoryBytes: 8 * 2 ** 30 },
    })
  })

  test('as JSON', () => {
    expect(parseJobText('{"run": ["wc", "-l"], "where": "Cores >= 2"}', 'job.json').description).toMatchObject({
      run: ['wc', '-l'],
      where: 'Cores >= 2',
    })
  })

  test('with shared parts', () => {
    const text = 'run: [echo, &word hello, *word]'
    expect(parseJobText(text, 'job.yaml').description.run).toEqual(['echo', 'hello', 'hello'])
  })

  test('keeping what the user wrote, which is what gets signed', () => {
    expect(parseJobText('run: date\nlimits: { time: 1h }', 'job.yaml').raw).toEqual({
      run: 'date',
      limits: { time: '1h' },
    })
  })
})

describe('a fault says where it is', () => {
  test.each([
    ['a syntax error', 'run: date\nenv: { A: 1', 'JOB_MALFORMED', 2, 12],
    ['a tab as indentation', 'run: date\nenv:\n\tA: 1', 'JOB_MALFORMED', 3, 1],
    ['a duplicate key', 'run: date\nname: a\nname: b', 'JOB_MALFORMED', 3, 1],
    ['an unknown field', 'run: date\nlimits:\n  tme: 2h', 'JOB_MALFORMED', 3, 3],
    ['an unknown field of JSON', '{"run": "date", "nodez": 2}', 'JOB_MALFORMED', 1, 17],
    ['a misspelt run', 'name: nothing\nrnu: date', 'JOB_MALFORMED', 2, 1],
    [
      'a query that breaks off at its end',
      'run: date\nwhere: |\n  Cores >= 1 &&\n  Memory >\n',
      'EXPRESSION_MALFORMED',
      4,
      11,
    ],
    ['a bad value', 'run: date\nnodes: many', 'JOB_MALFORMED', 2, 8],
    ['a bad value in a list', 'run: date\nstage:\n  in:\n    - ok\n    - ../escape', 'JOB_MALFORMED', 5, 7],
    ['a table where text belongs', 'run: date\nname:\n  first: a', 'JOB_MALFORMED', 2, 1],
    ['what only a later version does', 'run: date\narray: 1-100', 'JOB_FIELD_UNSUPPORTED', 2, 1],
    ['two documents', 'run: date\n---\nrun: again', 'JOB_MALFORMED', 2, 1],
    ['a tag of another schema', 'run: !!js/function x', 'JOB_MALFORMED', 1, 6],
    ['a missing run', 'name: nothing', 'JOB_MALFORMED', 1, 1],
  ])('%s', (_name, text, code, line, column) => {
    const error = errorOf(text)
    expect({ code: error.code, line: error.line, column: error.column, file: error.file }).toEqual({
      code,
      line,
      column,
      file: 'job.yaml',
    })
    expect(error.message).toContain(`job.yaml:${line}:${column}: `)
    expect(error.message).not.toMatch(/line \d|parseAllDocuments/)
  })

  test.each([
    ['JSDL', '<?xml version="1.0"?>\n<JobDefinition/>'],
    ['JDL', '[ Executable = "/bin/ls"; ]'],
  ])('%s is refused by name', (name, text) => {
    const error = errorOf(text)
    expect(error.code).toBe('JOB_FIELD_UNSUPPORTED')
    expect(error.message).toContain(`does not read ${name}`)
  })

  test.each([
    ['a plain expression', 'run: date\nwhere: Cores >= && 2', 2, 17],
    ['a quoted one', 'run: date\nwhere: "Cores >= && 2"', 2, 18],
    ['a block', 'run: date\nwhere: |\n  Cores > 1 &&\n  Memory >= && 2', 4, 13],
  ])('%s, inside the expression', (_name, text, line, column) => {
    const error = errorOf(text)
    expect({ code: error.code, line: error.line, column: error.column }).toEqual({
      code: 'EXPRESSION_MALFORMED',
      line,
      column,
    })
  })
})

describe('hostile files', () => {
  test('an alias bomb is refused', () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `  l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]`,
    )
    expect(errorOf(`run: date\nenv:\n  l0: &l0 [x,x,x,x,x,x,x,x,x]\n${levels.join('\n')}`).code).toBe('JOB_MALFORMED')
  })

  test('an alias of itself is refused', () => {
    expect(errorOf('run: date\nenv: &a { b: *a }').code).toBe('JOB_MALFORMED')
  })

  test('a longer one than a job file may be is refused', () => {
    expect(errorOf(`run: date # ${'x'.repeat(JOB_TEXT_BYTES_MAX)}`).code).toBe('JOB_MALFORMED')
  })

  test.each([
    '',
    'null',
    '[]',
    '42',
    'text',
    '__proto__: { run: date }',
    '? [a]\n: b',
    `${'['.repeat(5_000)}`,
    '{'.repeat(5_000),
    `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
    'run: \u0000',
  ])('%.40j is a typed error', (text) => {
    expect(['JOB_MALFORMED', 'JOB_FIELD_UNSUPPORTED']).toContain(errorOf(text).code)
  })

  test('law: any text is a description or a typed error', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'run: ',
        'env:\n  ',
        'where: ',
        '- ',
        '\n',
        ': ',
        '{',
        '}',
        '[',
        ']',
        '&a ',
        '*a',
        '|\n',
        '"',
        "'",
        '!!',
        '#',
        '\t',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parseJobText(pieces.join(''), 'job.yaml')
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RoostError)
          expect((thrown as RoostError).code).not.toBe('INTERNAL')
        }
      }),
    )
  })
})
