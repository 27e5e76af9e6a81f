import { expect, test } from 'vitest'
import { steadyClock, SteadyClock } from '../../../node/clock/index.ts'

/** A machine that is up and awake as the test says. */
function machine() {
  let [awakeMs, upMs] = [5_000, 90_000]
  const clock = new SteadyClock({ awakeMs: () => awakeMs, upMs: () => Math.floor(upMs / 10) * 10 })
  return {
    clock,
    pass: (ms: number) => {
      awakeMs += ms
      upMs += ms
    },
    sleep: (ms: number) => void (upMs += ms),
  }
}

const HOUR_MS = 3_600_000

test('counts the time that the machine slept as soon as it looks, each sleep once', () => {
  const { clock, pass, sleep } = machine()
  const startMs = clock.nowMs
  pass(10_000)
  expect(clock.nowMs - startMs).toBe(10_000)
  for (let night = 1; night <= 3; night++) {
    sleep(HOUR_MS)
    pass(250)
    expect(clock.nowMs - startMs).toBeCloseTo(10_000 + night * (HOUR_MS + 250), -2)
  }
})

test('never goes back, and takes what clocks differ by for no sleep', () => {
  const { clock, pass } = machine()
  let lastMs = clock.nowMs
  let leapsCount = 0
  const stop = clock.onLeap(() => leapsCount++)
  for (let step = 0; step < 1_000; step++) {
    pass(0.7 + (step % 300))
    expect(clock.nowMs).toBeGreaterThanOrEqual(lastMs)
    lastMs = clock.nowMs
  }
  stop()
  expect(leapsCount).toBe(0)
})

test('tells of a leap once, and nobody who has stopped listening', () => {
  const { clock, pass, sleep } = machine()
  const told: string[] = []
  const stopOne = clock.onLeap(() => told.push('one'))
  const stopOther = clock.onLeap(() => told.push('other'))
  stopOther()
  sleep(60_000)
  for (let look = 0; look < 4; look++) {
    pass(250)
    expect(clock.nowMs).toBeGreaterThan(60_000)
  }
  stopOne()
  expect(told).toEqual(['one'])
})

test('is the monotonic clock on a machine that did not sleep, or does not say', () => {
  expect(Math.abs(steadyClock.nowMs - performance.now())).toBeLessThan(1_000)
  let nowMs = 0
  const clock = new SteadyClock({ awakeMs: () => nowMs })
  nowMs = HOUR_MS
  expect(clock.nowMs).toBe(HOUR_MS)
})
