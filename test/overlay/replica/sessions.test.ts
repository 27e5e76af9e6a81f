import { describe, expect, test } from 'vitest'
import type { CommandContent } from '../../../overlay/replica/entry.ts'
import {
  SESSION_COUNT_MAX,
  SESSION_IDLE_MS,
  SESSION_MS,
  SESSION_PER_PEER_MAX,
  SESSION_WINDOW,
  Sessions,
  type Outcome,
} from '../../../overlay/replica/sessions.ts'

const ADA = 'ada'
const BOB = 'bob'

describe('sessions', () => {
  test('apply a command once, and answer its copies alike, in whatever order they come', () => {
    const { sessions, run } = opened()
    expect(run(3, 1)).toEqual({ type: 'done', result: 1 })
    expect(run(1, 1)).toEqual({ type: 'done', result: 2 })
    expect(run(3, 1)).toEqual({ type: 'done', result: 1 })
    expect(sessions.copy().results).toHaveLength(2)
  })

  test('forget what the client has settled, and refuse its late copies', () => {
    const { sessions, run } = opened()
    run(1, 1)
    run(2, 2)
    expect(sessions.copy().results.map(({ sequence }) => sequence)).toEqual([2])
    expect(run(1, 1)).toEqual({ type: 'settled' })
  })

  test('keep no more than a window of results', () => {
    const { run } = opened()
    expect(run(SESSION_WINDOW, 1)).toMatchObject({ type: 'done' })
    expect(run(SESSION_WINDOW + 1, 1)).toEqual({ type: 'busy' })
  })

  test('belong to who opened them', () => {
    const { run } = opened()
    expect(run(1, 1, { peer: BOB })).toEqual({ type: 'expired' })
    expect(run(1, 1, { session: 9 })).toEqual({ type: 'expired' })
  })

  test('end after their time of silence, by the time of the group', () => {
    const { run } = opened()
    expect(run(1, 1, { atMs: SESSION_MS - 1 })).toMatchObject({ type: 'done' })
    expect(run(2, 1, { atMs: 2 * SESSION_MS - 2 })).toMatchObject({ type: 'done' })
    expect(run(3, 1, { atMs: 3 * SESSION_MS - 2 })).toEqual({ type: 'expired' })
  })

  test('make room for others only where one is idle', () => {
    const sessions = new Sessions()
    for (let session = 1; session <= SESSION_COUNT_MAX; session++)
      sessions.open(session, `peer ${session % 20}`, session === 1 ? 0 : 1_000)
    const next = SESSION_COUNT_MAX + 1
    expect(sessions.open(next, BOB, SESSION_IDLE_MS - 1)).toEqual({ type: 'busy' })
    expect(sessions.open(next, BOB, SESSION_IDLE_MS)).toEqual({ type: 'opened', session: next })
    expect(sessions.copy().rows.map(({ session }) => session)).not.toContain(1)
    expect(sessions.open(next + 1, BOB, SESSION_IDLE_MS)).toEqual({ type: 'busy' })
  })

  test('of one peer make room for its own', () => {
    const { sessions, run } = opened()
    for (let session = 6; session < 6 + SESSION_PER_PEER_MAX; session++) sessions.open(session, ADA, 0)
    expect(run(1, 1)).toEqual({ type: 'expired' })
    expect(run(1, 1, { session: 6 })).toMatchObject({ type: 'done' })
  })

  test('are the same from a snapshot', () => {
    const { sessions, run } = opened()
    sessions.open(6, BOB, 5)
    run(1, 1)
    run(2, 1)
    const restored = new Sessions()
    const { rows, results } = sessions.copy()
    for (const row of rows) restored.restore(row)
    for (const row of results) restored.restoreResult(row)
    expect(restored.copy()).toEqual(sessions.copy())
    expect(runIn(restored)(2, 1)).toEqual({ type: 'done', result: 2 })
  })
})

type Run = (sequence: number, settled: number, how?: { peer?: string; session?: number; atMs?: number }) => Outcome

function opened(): { readonly sessions: Sessions; readonly run: Run } {
  const sessions = new Sessions()
  sessions.open(5, ADA, 0)
  return { sessions, run: runIn(sessions) }
}

/** Each command that is applied gives the next number. */
function runIn(sessions: Sessions): Run {
  let appliedCount = 0
  return (sequence, settled, { peer = ADA, session = 5, atMs = 0 } = {}) => {
    const entry: CommandContent = { type: 'command', peer, session, sequence, settled, command: null }
    return sessions.run(entry, atMs, () => ({ type: 'done', result: ++appliedCount }))
  }
}
