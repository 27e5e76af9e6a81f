import { describe, expect, test } from 'vitest'
import {
  outcomeOf,
  parseJobEvent,
  publicEvent,
  viewOf,
  type JobEvent,
  type JobHappening,
  type JobView,
  type UnitExit,
} from '../../../aem/protocol/index.ts'

const NODE = '12D3KooWJ2sZ9LSRm3Hnknode11111111111111111111111111'
const OWNER = '12D3KooWJ2sZ9LSRm3Hnkuser11111111111111111111111111'
const JOB_ID = '0123456789abcdefghjkmnpqrs'

function submitted(description: Record<string, unknown> = {}): JobHappening {
  const body = { controller: NODE, description: { run: 'true', nodes: 2, ...description }, inputs: [] } as const
  const about = { jobId: JOB_ID, owner: OWNER, controller: NODE }
  return { type: 'submitted', ...about, body: body as never, statement: { body: body as never } }
}

function logOf(...happenings: JobHappening[]): JobEvent[] {
  return happenings.map((happening, index) => ({ ...happening, number: index + 1, atMs: 1_000 + index }))
}

const MATCHED: JobHappening = { type: 'matched', attempt: 1, nodes: [NODE, NODE] }
const PLACED: JobHappening = { type: 'placed', attempt: 1 }
const of = (unit: number): { unit: number; node: string; attempt: number } => ({ unit, node: NODE, attempt: 1 })
const exited = (unit: number, exit: UnitExit): JobHappening => ({ type: 'unit-exited', ...of(unit), exit })
const code = (unit: number, value: number): JobHappening => exited(unit, { kind: 'exited', code: value })

function view(...happenings: JobHappening[]): JobView {
  return viewOf(logOf(submitted(), ...happenings))!
}

describe('the view of a job', () => {
  test('goes through the states, each with a reason', () => {
    const log = logOf(
      submitted(),
      { type: 'queued', reason: '2 nodes wanted, 1 free that match' },
      MATCHED,
      PLACED,
      { type: 'unit-started', ...of(0) },
      code(0, 0),
      code(1, 0),
      { type: 'ended', state: 'done', exitCode: 0, reason: 'every unit exited with 0' },
    )
    const states = log.map((_, index) => viewOf(log.slice(0, index + 1))!)
    expect(states.map(({ state }) => state)).toEqual([
      'submitted',
      'queued',
      'matched',
      'matched',
      'running',
      'running',
      'running',
      'done',
    ])
    for (const { reason, units } of states) {
      expect(reason).not.toBe('')
      for (const unit of units) expect(unit.reason).not.toBe('')
    }
    expect(states.at(-1)).toMatchObject({ startedAtMs: 1_004, endedAtMs: 1_007, exitCode: 0, lastNumber: 8 })
  })

  test('an attempt that is given up takes the nodes away again, and its number stays used', () => {
    const given = view(MATCHED, { type: 'queued', reason: 'one did not confirm' })
    expect(given).toMatchObject({ state: 'queued', attempt: 1, placement: 'none' })
    expect(given.units.every((unit) => unit.node === undefined && unit.unitId === undefined)).toBe(true)
  })

  test('names each unit by job, attempt and index', () => {
    expect(view(MATCHED).units.map((unit) => unit.unitId)).toEqual([`${JOB_ID}.1.0`, `${JOB_ID}.1.1`])
  })

  test('a job with inputs stages them in before it runs', () => {
    const file = { name: 'a', bytes: 1, sha256: '0'.repeat(64) }
    const first = {
      ...submitted(),
      body: { controller: NODE, description: { run: 'true', stage: { in: ['a'] } }, inputs: [file] },
    }
    const staged = viewOf(logOf(first as JobHappening, { ...MATCHED, nodes: [NODE] } as JobHappening, PLACED))!
    expect(staged.state).toBe('staging-in')
  })

  test('a lost unit that is found runs on as if it had never been away', () => {
    const back = view(
      MATCHED,
      PLACED,
      { type: 'unit-started', ...of(0) },
      { type: 'unit-lost', ...of(0), reason: 'away' },
      { type: 'unit-found', ...of(0), reason: 'back' },
    )
    expect(back.units[0]).toMatchObject({ state: 'running', reason: 'back' })
    expect(back.units[0]!.endedAtMs).toBeUndefined()
  })
})

describe('the outcome of a job', () => {
  const over = (...units: JobHappening[]): ReturnType<typeof outcomeOf> => outcomeOf(view(MATCHED, PLACED, ...units))
  const lost = (unit: number): JobHappening => ({ type: 'unit-lost', ...of(unit), reason: 'its node is gone' })

  test.each([
    ['all exit 0', [code(0, 0), code(1, 0)], 'done', 0],
    ['the lowest index that failed counts', [code(0, 3), code(1, 4)], 'failed', 3],
    ['one fails', [code(0, 0), code(1, 4)], 'failed', 4],
    ['a signal', [exited(0, { kind: 'signalled', signal: 'KILL' }), code(1, 0)], 'failed', 137],
    ['an unheard-of signal', [exited(0, { kind: 'signalled', signal: 'RTMIN+3' }), code(1, 0)], 'failed', 128],
    ['a time limit', [exited(0, { kind: 'timeout' }), code(1, 0)], 'timeout', 124],
    ['a unit out of memory', [exited(0, { kind: 'oom' }), code(1, 0)], 'failed', 137],
    ['a unit that never ran', [exited(0, { kind: 'unstartable', reason: 'no shell' }), code(1, 0)], 'failed', 126],
    ['a lost unit', [code(0, 0), lost(1)], 'lost', 5],
    ['a lost unit behind a failed one', [code(0, 3), lost(1)], 'lost', 3],
    ['a vanished process', [exited(0, { kind: 'vanished', reason: 'power' }), code(1, 0)], 'lost', 5],
  ] as const)('%s', (_name, units, state, exitCode) => {
    expect(over(...units)).toMatchObject({ state, exitCode })
  })

  test('a cancelled job is cancelled, whatever its units made of it', () => {
    const cancelling: JobHappening = { type: 'cancelling', by: OWNER, reason: 'not needed' }
    expect(over(cancelling, code(0, 0), code(1, 0))).toEqual({
      state: 'cancelled',
      exitCode: 130,
      reason: 'not needed',
    })
    expect(over(cancelling, exited(0, { kind: 'signalled', signal: 'TERM' }), code(1, 0)).exitCode).toBe(143)
    expect(outcomeOf(view(cancelling))).toMatchObject({ state: 'cancelled', exitCode: 130 })
  })
})

describe('events', () => {
  test('parse as they were', () => {
    const log = logOf(submitted(), MATCHED, PLACED, { type: 'unit-started', ...of(0) }, code(0, 255))
    for (const event of log) expect(parseJobEvent(structuredClone(event))).toEqual(event)
  })

  test.each([
    [null],
    [{ type: 'exploded', number: 1, atMs: 1 }],
    [{ type: 'placed', attempt: 1, number: 0, atMs: 1 }],
    [{ type: 'matched', attempt: 1, number: 2, atMs: 1, nodes: ['nobody'] }],
    [{ type: 'queued', number: 2, atMs: 1, reason: 'x'.repeat(501) }],
    [{ type: 'unit-exited', ...of(0), number: 3, atMs: 1, exit: { kind: 'exited', code: 256 } }],
  ])('%j is refused', (value) => {
    expect(() => parseJobEvent(value)).toThrowError(expect.objectContaining({ code: 'MESSAGE_MALFORMED' }))
  })

  test('leave the signed statement behind when they are shown', () => {
    expect(publicEvent(logOf(submitted())[0]!)).not.toHaveProperty('statement')
  })
})
