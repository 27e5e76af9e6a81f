import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { isJobId, jobIdOf, parseUnitId, unitIdOf } from '../../../aem/protocol/index.ts'

const crypto = { hash: (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest() }

test('the same statement has the same job id, another has another', () => {
  const ids = ['one', 'one', 'two'].map((statement) => jobIdOf(statement, crypto))
  expect(ids[0]).toBe(ids[1])
  expect(ids[0]).not.toBe(ids[2])
  for (const id of ids) expect(isJobId(id)).toBe(true)
})

test('a unit id names job, attempt and index', () => {
  const jobId = jobIdOf('one', crypto)
  expect(parseUnitId(unitIdOf(jobId, 12, 0))).toEqual({ jobId, attempt: 12, index: 0 })
  for (const text of ['', jobId, `${jobId}.0.0`, `${jobId}.1.`, `${jobId}.01.1`, `${jobId.toUpperCase()}.1.1`])
    expect(parseUnitId(text)).toBeUndefined()
})
