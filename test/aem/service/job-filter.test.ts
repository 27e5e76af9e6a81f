import { expect, test } from 'vitest'
import { readDescription, type JobState, type JobView } from '../../../aem/protocol/index.ts'
import { filterJobs, readLabelFilter } from '../../../aem/service/job-filter.ts'

const view = (state: JobState, labels: Record<string, string> = {}, submittedAtMs = 1_000): JobView =>
  ({ owner: 'me', state, submittedAtMs, description: readDescription({ run: 'true', labels }) }) as unknown as JobView

test('those that have ended are listed where they are asked for', () => {
  expect(filterJobs({ all: false })(view('queued'))).toBe(true)
  expect(filterJobs({ all: false })(view('done'))).toBe(false)
  expect(filterJobs({ all: true })(view('done'))).toBe(true)
  expect(filterJobs({ all: false, state: 'done,failed' })(view('failed'))).toBe(true)
  expect(filterJobs({ all: true, state: 'done,failed' })(view('queued'))).toBe(false)
})

test('every condition counts', () => {
  const job = view('queued', { team: 'a,b', take: '7' })
  expect(filterJobs({ all: false, user: 'me', label: 'team=a%2Cb,take=7', sinceMs: 1_000 })(job)).toBe(true)
  for (const other of [{ user: 'you' }, { label: 'team=a%2Cb,take=8' }, { label: 'crew=x' }, { sinceMs: 1_001 }])
    expect(filterJobs({ all: false, ...other })(job)).toBe(false)
})

test('a label filter is names and values', () => {
  expect(readLabelFilter('a=1,b=')).toEqual([
    ['a', '1'],
    ['b', ''],
  ])
  for (const text of ['', 'a', '=1', 'a=1,', 'a=%', 'a b=1']) expect(readLabelFilter(text)).toBeUndefined()
})
