import { expect, test } from 'vitest'
import { unitIdOf, type JobReply, type JobRequest } from '../../../../aem/protocol/index.ts'
import { parseRoom, Refusals } from '../../../../aem/protocol/why/index.ts'
import { REFUSAL_KEPT_MS, REFUSED_JOBS_MAX, REFUSED_NODES_MAX } from '../../../../aem/protocol/why/refusals.ts'
import { RoostError } from '../../../../overlay/index.ts'

const jobOf = (number: number): string => String(number).padStart(26, '0')
const hold = (job: string): JobRequest => ({
  type: 'hold',
  unitId: unitIdOf(job, 1, 0),
  cores: 1,
  memoryBytes: 0,
  holdMs: 1_000,
})
const refused: JobReply = { type: 'refused', reason: 'no room' }
const reasons = (refusals: Refusals, job: string): Record<string, string> =>
  Object.fromEntries([...refusals.of(job)].map(([node, { reason }]) => [node, reason]))

test('a refusal is remembered until the node takes a unit, or for a while', async () => {
  let nowMs = 0
  let reply: JobReply = refused
  const refusals = new Refusals(() => nowMs)
  const ask = refusals.watching(async () => reply)
  await ask('a', hold(jobOf(1)))
  await ask('b', hold(jobOf(1)))
  await ask('c', hold(jobOf(2)))
  expect(reasons(refusals, jobOf(1))).toEqual({ a: 'no room', b: 'no room' })
  reply = { type: 'held' }
  await ask('a', hold(jobOf(1)))
  expect(reasons(refusals, jobOf(1))).toEqual({ b: 'no room' })
  nowMs = REFUSAL_KEPT_MS + 1
  expect(reasons(refusals, jobOf(1))).toEqual({})
})

test('what could not be asked is remembered with its code, and still fails', async () => {
  const refusals = new Refusals(() => 0)
  const failing = refusals.watching(async () => {
    throw new RoostError('SIGNATURE_INVALID', 'not his')
  })
  await expect(failing('a', hold(jobOf(1)))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  expect(reasons(refusals, jobOf(1))).toEqual({ a: 'not his (SIGNATURE_INVALID)' })
})

test('memory is bounded, by jobs and by nodes', async () => {
  const refusals = new Refusals(() => 0)
  const ask = refusals.watching(async () => refused)
  for (let node = 0; node <= REFUSED_NODES_MAX; node++) await ask(`n${node}`, hold(jobOf(1)))
  expect(refusals.of(jobOf(1)).size).toBe(REFUSED_NODES_MAX)
  expect(refusals.of(jobOf(1)).has('n0')).toBe(false)
  for (let job = 2; job <= REFUSED_JOBS_MAX + 1; job++) await ask('n', hold(jobOf(job)))
  expect(refusals.of(jobOf(1)).size).toBe(0)
  expect(refusals.of(jobOf(2)).size).toBe(1)
})

test('what another node says of its room is read within bounds', () => {
  const capacity = { cores: 4, memoryBytes: 0 }
  const room = { capacity, free: capacity, promises: [{ ...capacity, untilMs: 5 }] }
  expect(parseRoom(room)).toEqual(room)
  for (const wrong of [undefined, {}, { ...room, promises: [{ cores: 'many', memoryBytes: 0 }] }, { ...room, free: 3 }])
    expect(() => parseRoom(wrong)).toThrow(RoostError)
  expect(() => parseRoom({ ...room, promises: Array.from({ length: 1_001 }, () => capacity) })).toThrow(RoostError)
})
