import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { RoostError } from '../../../overlay/index.ts'
import { knownSystem, readChurn, readSystem, readTrace, SYSTEM_NAMES } from '../../../sim/churn/index.ts'
import { casePath, readCase } from '../cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'roost-churn-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function refusal(action: () => unknown): { message: string; line: number | undefined } {
  try {
    action()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RoostError)
    expect((thrown as RoostError).code).toBe('USAGE')
    return { message: (thrown as RoostError).message, line: (thrown as RoostError).line }
  }
  throw new Error('it was taken')
}

describe('a trace', () => {
  test('gives the sessions of each node in the order of time, whatever the order of columns and rows', () => {
    const text = 'end_s,site,node,start_s\n30,x,b,20\n10,x,a,0\n5.5,x,b,1\n'
    expect(readTrace(text, 't.csv')).toEqual([
      [
        { startMs: 1_000, endMs: 5_500 },
        { startMs: 20_000, endMs: 30_000 },
      ],
      [{ startMs: 0, endMs: 10_000 }],
    ])
  })

  test.each([
    ['a column that is missing', 'node,start_s\na,0\n', 1, 'no column "end_s"'],
    ['a time that is none', 'node,start_s,end_s\na,0,1\nb,soon,2\n', 3, '"soon" is not a time'],
    ['a session that ends before it starts', 'node,start_s,end_s\na,5,2\n', 2, 'does not start at 5'],
    ['a node without a name', 'node,start_s,end_s\n,5,6\n', 2, 'no name'],
    ['sessions that overlap', 'node,start_s,end_s\na,0,9\nb,0,1\na,5,12\n', 4, 'session of line 2'],
    ['a row that is too short', 'node,start_s,end_s\na,0\n', 2, '2 cells under 3 columns'],
    ['nothing', '', 1, 'empty'],
  ])('with %s is refused with its line', (_, text, line, words) => {
    const fault = refusal(() => readTrace(text, 'trace.csv'))
    expect(fault.line).toBe(line)
    expect(fault.message).toContain(`trace.csv, line ${line}`)
    expect(fault.message).toContain(words)
  })
})

describe('what --churn takes', () => {
  test('is a share, a system, a file of fits or a trace', () => {
    const fits = join(folder, 'fits.json')
    const distribution = { exponential: { mean: 2 } }
    writeFileSync(
      fits,
      JSON.stringify([{ system: 'Lab', unit: 'minutes', availability: distribution, unavailability: distribution }]),
    )
    const trace = join(folder, 'trace.csv')
    writeFileSync(trace, 'node,start_s,end_s\na,0,10\n')
    expect(readChurn('0.01')).toEqual({ kind: 'share', share: 0.01 })
    expect(readChurn('Skype06')).toMatchObject({ kind: 'system', system: 'skype06' })
    expect(readChurn(fits)).toMatchObject({ kind: 'system', system: 'Lab', up: { kind: 'exponential', mean: 120_000 } })
    expect(readChurn(`${fits}#lab:exponential`)).toMatchObject({ system: 'Lab' })
    expect(readChurn(trace)).toEqual({ kind: 'trace', nodes: [[{ startMs: 0, endMs: 10_000 }]] })
  })

  test.each([
    ['a share beyond all churn', '0.9', 'from 0 to'],
    ['a share below nothing', '-0.1', 'from 0 to'],
    ['a system that nobody knows', 'skype', 'is no share'],
    ['a file that is not there', 'none.csv', 'there is no file'],
    ['fits that are not there', 'none.json', 'there is no file'],
  ])('is not %s', (_, text, words) => {
    expect(refusal(() => readChurn(text)).message).toContain(words)
  })

  test('names the system that was meant', () => {
    expect(() => readChurn('skpe06')).toThrow(expect.objectContaining({ hint: 'did you mean skype06?' }))
  })
})

describe('a file of fits', () => {
  const fits = (fields: object): string => JSON.stringify([{ system: 'Lab', ...fields }])
  const good = { weibull: { shape: 1, scale: 2 } }

  test.each([
    ['that is no JSON', '[\n{"system": }\n]', 2, 'no JSON'],
    ['without fits', fits({}), undefined, 'availability: there is no fit'],
    [
      'with an impossible parameter',
      fits({ availability: { weibull: { shape: -1, scale: 2 } }, unavailability: good }),
      undefined,
      'shape',
    ],
    [
      'in a unit of its own',
      fits({ unit: 'fortnights', availability: good, unavailability: good }),
      undefined,
      'fortnights',
    ],
  ])('%s is refused', (_, text, line, words) => {
    const fault = refusal(() => readSystem(text, 'fits.json'))
    expect(fault.line).toBe(line)
    expect(fault.message).toContain('fits.json')
    expect(fault.message).toContain(words)
  })

  test('without the system that is asked for names those that it has', () => {
    const text = JSON.stringify([{ system: 'Lab' }, { system: 'Cave' }])
    expect(() => readSystem(text, 'fits.json', 'House')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Lab, Cave') }),
    )
    expect(refusal(() => readSystem(text, 'fits.json')).message).toContain('which system?')
  })
})

const fitsPath = casePath('churn/fta-fits-public.json')
test.skipIf(fitsPath === undefined)('systems known by name are as they were published', () => {
  const text = readCase(fitsPath!)
  for (const name of SYSTEM_NAMES) {
    const published = readSystem(text, fitsPath!, name)
    const { up, down } = knownSystem(name)!
    expect({ up, down }).toEqual({ up: published.up, down: published.down })
  }
})
