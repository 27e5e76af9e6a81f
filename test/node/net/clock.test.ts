import { expect, test } from 'vitest'
import { SteadyClock } from '../../../node/clock/index.ts'
import { after, timersBy } from '../../../node/net/clock.ts'

test('what has no delay runs behind what is under way, in order', async () => {
  const ran: string[] = []
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      after(0, () => ran.push('first'))
      after(0, () => ran.push('second'))
      after(0, resolve)
      ran.push('under way')
    })
  })
  expect(ran).toEqual(['under way', 'first', 'second'])
})

test('what is cancelled does not run', async () => {
  let hasRun = false
  after(0, () => (hasRun = true))()
  await new Promise((resolve) => setTimeout(resolve, 2))
  expect(hasRun).toBe(false)
})

test('what fell due while the machine slept runs right after, in its order, and the rest in its time', async () => {
  let sleptMs = 0
  const upMs = (): number => performance.now() + sleptMs
  const clock = new SteadyClock({ awakeMs: () => performance.now(), upMs })
  const afterClock = timersBy(clock)
  const ran: string[] = []
  const cancels = [
    afterClock(7_200_000, () => ran.push('in two hours')),
    afterClock(1_800_000, () => ran.push('half an hour')),
    afterClock(60_000, () => ran.push('a minute')),
  ]
  const cancelled = afterClock(120_000, () => ran.push('cancelled'))
  cancelled()
  sleptMs = 3_600_000
  const sinceMs = performance.now()
  await new Promise<void>((resolve) => void afterClock(1, resolve))
  while (ran.length < 2 && performance.now() - sinceMs < 10_000) await new Promise((resolve) => setImmediate(resolve))
  expect(ran).toEqual(['a minute', 'half an hour'])
  for (const cancel of cancels) cancel()
})
