import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asRoostError } from '../../../overlay/index.ts'
import { parseBytes, parseDurationMs, readDescription } from '../../../aem/protocol/index.ts'

function fault(value: unknown): { code: string; path: unknown; hint: string; line?: number; column?: number } {
  try {
    readDescription(value)
  } catch (thrown) {
    const { code, data, hint, line, column } = asRoostError(thrown)
    return { code, path: data?.['path'], hint, ...(line && { line }), ...(column && { column }) }
  }
  throw new Error('it was taken')
}

describe('a description', () => {
  test('needs only something to run', () => {
    expect(readDescription({ run: '/usr/bin/wc -l "$0"' })).toEqual({
      name: 'wc',
      run: '/usr/bin/wc -l "$0"',
      where: 'true',
      nodes: 1,
      cores: 1,
      env: {},
      labels: {},
      limits: {},
      stage: { in: [], out: [] },
    })
  })

  test('says everything that this version does', () => {
    const written = {
      name: 'render',
      run: ['blender', '-b', 'scene.blend'],
      where: 'Cores >= 8 && Memory >= 16GiB',
      rank: 'CpuSpeed',
      nodes: 4,
      cores: 2,
      memory: '2GiB',
      env: { THREADS: 2, QUIET: true, NAME: 'x' },
      labels: { team: 'film', take: 7 },
      limits: { time: '1h30m', memory: '8GiB', processes: 64 },
      isolate: { network: true },
      stage: { in: ['./data//scene.blend'], out: ['*.png'] },
      workdir: 'data',
    }
    expect(readDescription(written)).toEqual({
      name: 'render',
      run: ['blender', '-b', 'scene.blend'],
      where: 'Cores >= 8 && Memory >= 16GiB',
      rank: 'CpuSpeed',
      nodes: 4,
      cores: 2,
      memoryBytes: 2 * 2 ** 30,
      env: { THREADS: '2', QUIET: 'true', NAME: 'x' },
      labels: { team: 'film', take: '7' },
      limits: { timeMs: 5_400_000, memoryBytes: 8 * 2 ** 30, processesCount: 64 },
      isolate: { network: true },
      stage: { in: ['data/scene.blend'], out: ['*.png'] },
      workdir: 'data',
    })
  })

  test.each([
    [42, []],
    [null, []],
    [[], []],
    [{}, []],
    [{ run: '' }, ['run']],
    [{ run: [] }, ['run']],
    [{ run: ['a', 3] }, ['run', 1]],
    [{ run: 'a\0b' }, ['run']],
    [{ run: 'x'.repeat(70_000) }, ['run']],
    [{ run: 'a', name: 'two\nlines' }, ['name']],
    [{ run: 'a', nodes: 0 }, ['nodes']],
    [{ run: 'a', nodes: '4' }, ['nodes']],
    [{ run: 'a', nodes: 1e9 }, ['nodes']],
    [{ run: 'a', cores: 1.5 }, ['cores']],
    [{ run: 'a', memory: '8 parsecs' }, ['memory']],
    [{ run: 'a', limits: [] }, ['limits']],
    [{ run: 'a', limits: { time: 'soon' } }, ['limits', 'time']],
    [{ run: 'a', limits: { time: 0 } }, ['limits', 'time']],
    [{ run: 'a', limits: { processes: 0 } }, ['limits', 'processes']],
    [{ run: 'a', isolate: 'yes' }, ['isolate']],
    [{ run: 'a', isolate: { network: 'no' } }, ['isolate', 'network']],
    [{ run: 'a', isolate: { netwrok: true } }, ['isolate', 'netwrok']],
    [{ run: 'a', env: { 'A B': '' } }, ['env', 'A B']],
    [{ run: 'a', env: { ROOST_INDEX: '1' } }, ['env', 'ROOST_INDEX']],
    [{ run: 'a', env: { A: {} } }, ['env', 'A']],
    [{ run: 'a', labels: ['x'] }, ['labels']],
    [{ run: 'a', labels: { 'A B': '' } }, ['labels', 'A B']],
    [{ run: 'a', labels: { a: 'two\nlines' } }, ['labels', 'a']],
    [{ run: 'a', labels: { a: 'x'.repeat(257) } }, ['labels', 'a']],
    [{ run: 'a', labels: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, ''])) }, ['labels']],
    [{ run: 'a', stage: { in: ['/etc/passwd'] } }, ['stage', 'in', 0]],
    [{ run: 'a', stage: { in: ['a', '../b'] } }, ['stage', 'in', 1]],
    [{ run: 'a', stage: { in: ['a', './a'] } }, ['stage', 'in', 1]],
    [{ run: 'a', workdir: '..' }, ['workdir']],
    [{ run: 'a', nodse: 4 }, ['nodse']],
    [{ run: 'a', limits: { tiem: '2h' } }, ['limits', 'tiem']],
  ])('%j is malformed at %j', (value, path) => {
    expect(fault(value)).toMatchObject({ code: 'JOB_MALFORMED', path })
  })

  test.each([
    [undefined, undefined],
    [false, undefined],
    [true, { network: false }],
    [{}, { network: false }],
    [{ network: true }, { network: true }],
  ])('isolates where it says so: %j', (isolate, read) => {
    expect(readDescription({ run: 'a', isolate }).isolate).toEqual(read)
  })

  test.each(['array', 'retry', 'after', 'queue', 'priority'])(
    'refuses `%s` by name, which a later version does',
    (name) => {
      expect(fault({ run: 'a', [name]: 1 })).toMatchObject({ code: 'JOB_FIELD_UNSUPPORTED', path: [name] })
    },
  )

  test('suggests the field that was meant', () => {
    expect(fault({ run: 'a', wehre: 'true' }).hint).toContain('`where`')
    expect(fault({ run: 'a', stage: { inn: [] } }).hint).toContain('`in`')
    expect(fault({ run: 'a', zebra: 1 }).hint).toContain('run')
  })

  test('places a syntax error of an expression inside it', () => {
    expect(fault({ run: 'a', where: 'Cores >=\n  && true' })).toMatchObject({
      code: 'EXPRESSION_MALFORMED',
      path: ['where'],
      line: 2,
      column: 3,
    })
  })

  test('takes a field without a value as absent', () => {
    expect(readDescription({ run: 'a', limits: null, env: null, where: null }).where).toBe('true')
  })

  test('gives a description or a typed error, whatever it is given', () => {
    const fields = ['run', 'where', 'rank', 'nodes', 'cores', 'memory', 'env', 'limits', 'stage', '__proto__', 'name']
    const anything = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...fields), fc.anything()))
    fc.assert(
      fc.property(anything, (value) => {
        try {
          readDescription(value)
        } catch (thrown) {
          expect(['JOB_MALFORMED', 'JOB_FIELD_UNSUPPORTED', 'EXPRESSION_MALFORMED', 'EXPRESSION_TOO_LARGE']).toContain(
            asRoostError(thrown).code,
          )
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('quantities', () => {
  test.each([
    ['8GiB', 8 * 2 ** 30],
    ['1.5 GB', 1.5e9],
    ['512', 512],
    [1_024, 1_024],
    ['64 kB', 64_000],
    ['8 g', undefined],
    ['-1', undefined],
    [-1, undefined],
    ['1e3', undefined],
    [Infinity, undefined],
    ['99999999 TiB', undefined],
  ])('%j bytes are %j', (written, bytes) => expect(parseBytes(written)).toBe(bytes))

  test.each([
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['1d 2h', 93_600_000],
    ['500ms', 500],
    ['90', 90_000],
    [1.5, 1_500],
    ['2 weeks', undefined],
    ['', undefined],
    ['h', undefined],
    [true, undefined],
  ])('%j lasts %j ms', (written, ms) => expect(parseDurationMs(written)).toBe(ms))
})
