import { expect, test } from 'vitest'
import { SLEPT_MS_MIN, WakeWatch } from '../../../node/net/wake-watch.ts'

/** A watch on clocks that the test moves, and what it took for sleep. */
function watchOf(): {
  look: (passed: { readonly nowMs: number; readonly wallMs: number }) => void
  slept: readonly number[]
} {
  let [nowMs, wallMs] = [0, 1_700_000_000_000]
  const slept: number[] = []
  const watch = new WakeWatch({ nowMs: () => nowMs, wallMs: () => wallMs, onWake: (sleptMs) => slept.push(sleptMs) })
  watch.start()
  watch.stop()
  const look: ReturnType<typeof watchOf>['look'] = (passed) => {
    nowMs += passed.nowMs
    wallMs += passed.wallMs
    watch.look()
  }
  return { look, slept }
}

const HOUR_MS = 3_600_000

test('a machine that sleeps is noticed by the time of day, a process that stands still by both clocks, each once', () => {
  const { look, slept } = watchOf()
  look({ nowMs: 1_000, wallMs: 1_000 })
  look({ nowMs: 1_000, wallMs: HOUR_MS })
  look({ nowMs: 1_000, wallMs: 1_000 })
  expect(slept).toEqual([HOUR_MS])
  look({ nowMs: 60_000, wallMs: 60_000 })
  look({ nowMs: 1_000, wallMs: 1_000 })
  expect(slept).toEqual([HOUR_MS, 60_000])
})

test('a busy machine has not slept, nor has one whose clock is set back or a little forward', () => {
  const { look, slept } = watchOf()
  look({ nowMs: SLEPT_MS_MIN, wallMs: SLEPT_MS_MIN })
  look({ nowMs: 1_000, wallMs: -HOUR_MS })
  look({ nowMs: 1_000, wallMs: SLEPT_MS_MIN })
  expect(slept).toEqual([])
})
