import { expect, test } from 'vitest'
import { attemptsOf } from '../../../aem/protocol/attempts.ts'
import type { JobEvent, JobHappening } from '../../../aem/protocol/index.ts'

/** A log of these, a second apart. */
const log = (...happenings: JobHappening[]): JobEvent[] =>
  happenings.map((happening, index) => ({ ...happening, number: index + 1, atMs: index * 1_000 }))

test('an attempt that was given up says why, and the next one what its units did', () => {
  const attempts = attemptsOf(
    log(
      { type: 'queued', reason: 'nobody is free' },
      { type: 'matched', attempt: 1, nodes: ['a', 'b'] },
      { type: 'queued', reason: 'b did not confirm' },
      { type: 'queued', reason: 'nobody is free' },
      { type: 'matched', attempt: 2, nodes: ['a', 'c'] },
      { type: 'placed', attempt: 2 },
      { type: 'unit-started', unit: 0, node: 'a', attempt: 2 },
      { type: 'unit-started', unit: 1, node: 'c', attempt: 2 },
      { type: 'unit-lost', unit: 1, node: 'c', attempt: 2, reason: 'c is away' },
      { type: 'unit-exited', unit: 0, node: 'a', attempt: 2, exit: { kind: 'exited', code: 0 } },
    ),
  )
  expect(attempts).toEqual([
    {
      attempt: 1,
      atMs: 1_000,
      outcome: 'given-up',
      reason: 'b did not confirm',
      units: [
        { unit: 0, node: 'a' },
        { unit: 1, node: 'b' },
      ],
    },
    {
      attempt: 2,
      atMs: 4_000,
      outcome: 'placed',
      units: [
        { unit: 0, node: 'a', startedAtMs: 6_000, endedAtMs: 9_000, end: 'exited with 0' },
        { unit: 1, node: 'c', startedAtMs: 7_000, endedAtMs: 8_000, end: 'lost: c is away' },
      ],
    },
  ])
})

test('a unit that was lost and found again has not ended', () => {
  const [attempt] = attemptsOf(
    log(
      { type: 'matched', attempt: 1, nodes: ['a'] },
      { type: 'placed', attempt: 1 },
      { type: 'unit-lost', unit: 0, node: 'a', attempt: 1, reason: 'away' },
      { type: 'unit-found', unit: 0, node: 'a', attempt: 1, reason: 'back' },
    ),
  )
  expect(attempt!.units).toEqual([{ unit: 0, node: 'a' }])
})

test('a log that begins in the middle tells of what it has', () => {
  expect(attemptsOf(log({ type: 'placed', attempt: 3 }, { type: 'cancelling', by: 'me', reason: 'enough' }))).toEqual(
    [],
  )
})
