import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { RoostError } from '../../../overlay/index.ts'
import { offeredLoad, readSwf, readWorkload, workloadOf } from '../../../sim/workload/index.ts'
import { casePath } from '../cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'roost-workload-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A job of so many processors; the fields by their number, from 1, where they differ. */
function job(id: number, fields: Readonly<Record<number, string | number>> = {}): string {
  const cells = [id, 0, -1, 60, 2, -1, -1, 2, 100, -1, 1, 1, 1, -1, -1, -1, -1, -1]
  return cells.map((cell, index) => fields[index + 1] ?? cell).join(' ')
}

function refusal(action: () => unknown): RoostError {
  try {
    action()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RoostError)
    expect((thrown as RoostError).code).toBe('USAGE')
    return thrown as RoostError
  }
  throw new Error('it was taken')
}

describe('a file in Standard Workload Format', () => {
  test('gives what its comments say, and each job with its line', () => {
    const lines = [
      '; Version: 2.2',
      ';   MaxProcs:  240 ',
      '; MaxProcs: 1',
      '; UnixStartTime: 1027839845',
      ';',
      '',
      job(7, { 6: 552.21 }),
    ]
    const { header, records } = readSwf(lines, 'a.swf')
    expect(header).toMatchObject({ processorsMax: 240, unixStartS: 1_027_839_845 })
    expect(header.nodesMax).toBeUndefined()
    expect(header.fields.get('Version')).toBe('2.2')
    expect([...records]).toEqual([
      {
        line: 7,
        job: 7,
        submitS: 0,
        runS: 60,
        processors: 2,
        cpuS: 552.21,
        askedProcessors: 2,
        askedS: 100,
        status: 1,
        user: 1,
        group: 1,
        after: [],
      },
    ])
  })

  test('is read a job at a time', () => {
    let readCount = 0
    const endless = function* (): Generator<string> {
      for (;;) yield job(++readCount)
    }
    const { records } = readSwf(endless(), 'a.swf')
    for (const record of records) if (record.job === 10) break
    expect(readCount).toBe(10)
  })

  test.each([
    ['too few fields', '1 2 3', '3 fields'],
    ['a time that is none', job(2, { 4: 'soon' }), 'field 4 (run time) is "soon"'],
    ['half a processor', job(2, { 8: 1.5 }), 'field 8 (requested processors) is "1.5", not a whole number'],
    ['a number in another writing', job(2, { 4: '1e3' }), 'field 4'],
    ['no submit time', job(2, { 2: -1 }), 'no submit time'],
    ['a number that two have', job(1), 'a job 1 already'],
    ['a job that waits for itself', job(2, { 17: 2 }), 'waits for job 2, which does not precede it'],
    ['a job that waits for words', job(2, { 17: '1&x' }), '"x" is not the number'],
  ])('with %s is refused with file and line', (_, line, words) => {
    const fault = refusal(() => workloadOf([';', job(1), line], 'bad.swf'))
    expect(fault.line).toBe(3)
    expect(fault.message).toContain('bad.swf, line 3: ')
    expect(fault.message).toContain(words)
  })

  test('gives a workload or a typed error, whatever is in it', () => {
    const cell = fc.oneof(
      fc.integer({ min: -1, max: 300 }).map(String),
      fc.constantFrom('x', '1&2', '-', '1.5', ';', ''),
    )
    const line = fc.oneof(
      fc.array(cell, { maxLength: 20 }).map((cells) => cells.join(' ')),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        try {
          workloadOf(lines, 'a.swf')
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'USAGE', file: 'a.swf' })
        }
      }),
    )
  })
})

describe('a workload', () => {
  const lines = [
    '; MaxProcs: 8',
    job(1, { 2: 100, 4: 60, 12: 5 }),
    job(2, { 2: 300, 4: 500, 8: -1, 5: 4, 9: 200 }),
    job(3, { 2: 200, 4: -1 }),
    job(4, { 2: 150, 8: 9 }),
    job(5, { 2: 140, 9: -1, 10: 1024, 17: '1&3', 18: 10 }),
  ]

  test('begins with its first job and is in the order of time; limits are kept, and what never ran is left out', () => {
    const { jobs, cores, omitted, cutCount } = workloadOf(lines, 'a.swf')
    expect(cores).toBe(8)
    expect(omitted).toEqual({ neverRan: 1, tooWide: 1, unwanted: 0 })
    expect(cutCount).toBe(1)
    const base = { memoryBytes: 0, user: 1, after: [], thinkMs: 0 }
    expect(jobs).toEqual([
      { ...base, id: 1, submitMs: 0, cores: 2, runMs: 60_000, limitMs: 100_000, user: 5 },
      { ...base, id: 5, submitMs: 40_000, cores: 2, runMs: 60_000, memoryBytes: 2 ** 21, after: [1], thinkMs: 10_000 },
      { ...base, id: 2, submitMs: 200_000, cores: 4, runMs: 200_000, limitMs: 200_000 },
    ])
  })

  test('is what was wanted of it', () => {
    const idsOf = (filter: Parameters<typeof workloadOf>[2]): number[] =>
      workloadOf(lines, 'a.swf', filter).jobs.map(({ id }) => id)
    expect(idsOf({ users: new Set([5]) })).toEqual([1])
    expect(idsOf({ fromMs: 140_000, untilMs: 300_000 })).toEqual([5])
    expect(idsOf({ coresMax: 2 })).toEqual([1, 5])
    expect(idsOf({ countMax: 2 })).toEqual([1, 2])
    expect(refusal(() => idsOf({ users: new Set([6]) })).message).toContain('no job in it that ran and is wanted')
  })

  test('at twice the load is the same jobs in half the time', () => {
    const one = workloadOf(lines, 'a.swf').jobs
    const two = workloadOf(lines, 'a.swf', { loadFactor: 2 }).jobs
    expect(two.map(({ submitMs }) => submitMs)).toEqual([0, 20_000, 100_000])
    expect(two.map(({ runMs }) => runMs)).toEqual(one.map(({ runMs }) => runMs))
    expect(offeredLoad(two, 8)).toBeCloseTo(2 * offeredLoad(one, 8), 12)
    expect(offeredLoad(one, 8)).toBeCloseTo((2 * 60 + 2 * 60 + 4 * 200) / (8 * 200), 12)
  })
})

describe('a file on disk', () => {
  test('may end its lines as it likes, and is the same whatever pieces it is read in', () => {
    const file = join(folder, 'long.swf')
    const all = Array.from({ length: 5_000 }, (_, index) => job(index + 1, { 2: index }))
    writeFileSync(file, `; Note: Umeå\r\n${all.join('\r\n')}`)
    const { jobs, header } = readWorkload('--workload', file)
    expect(jobs.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1))
    expect(header.fields.get('Note')).toBe('Umeå')
  })

  test('that is not there, is none, or has no end is refused', () => {
    expect(refusal(() => readWorkload('--workload', join(folder, 'none.swf'))).message).toMatch(
      /--workload: there is no file/,
    )
    expect(refusal(() => readWorkload('--workload', folder)).message).toContain('cannot read (EISDIR)')
    const file = join(folder, 'line.swf')
    writeFileSync(file, '1 '.repeat(1_000_000))
    expect(refusal(() => readWorkload('--workload', file)).message).toContain('line 1: more than')
  })
})

describe('real logs', () => {
  const hpc2n = casePath('workload/hpc2n-sample.swf')
  test.skipIf(!hpc2n)('of a cluster: all its jobs, but those that never ran', () => {
    const { jobs, cores, omitted, header } = readWorkload('--workload', hpc2n!)
    expect(cores).toBe(240)
    expect(header).toMatchObject({ processorsMax: 240, nodesMax: 240, unixStartS: 1_027_839_845 })
    expect(jobs.length).toBe(3_145)
    expect(omitted).toEqual({ neverRan: 25, tooWide: 0, unwanted: 0 })
    for (const { runMs, limitMs } of jobs) expect(runMs).toBeLessThanOrEqual(limitMs!)
  })

  const graphs = casePath('workload/FIT-jaros2.swf')
  test.skipIf(!graphs)('with a line of names and jobs that wait for several', () => {
    const { jobs } = readWorkload('--workload', graphs!)
    expect(jobs.length).toBe(12)
    expect(jobs[5]!.after).toEqual([1, 2, 3, 4, 5])
    expect(jobs[11]!.after).toEqual([7, 8, 9, 10, 11])
  })
})
