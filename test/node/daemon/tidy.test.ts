import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { collectGarbage, startTidying } from '../../../node/daemon/tidy.ts'
import { MemoryLog } from '../net/grid.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('is done once the start is over, and again much later; a busy moment is waited out', async () => {
  let share = 0.9
  let collectedCount = 0
  const collect = async (): Promise<void> => void collectedCount++
  const stop = startTidying(new MemoryLog(), { busyShare: () => share, collect })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(collectedCount).toBe(0)
  share = 0.01
  await vi.advanceTimersByTimeAsync(20_000)
  expect(collectedCount).toBe(1)
  await vi.advanceTimersByTimeAsync(1_700_000)
  expect(collectedCount).toBe(1)
  await vi.advanceTimersByTimeAsync(200_000)
  expect(collectedCount).toBe(2)
  stop()
  await vi.advanceTimersByTimeAsync(10_000_000)
  expect(collectedCount).toBe(2)
})

test('garbage is collected when it is asked for', async () => {
  vi.useRealTimers()
  const gone = new WeakRef({ text: 'nobody holds this' })
  await new Promise((resolve) => setTimeout(resolve, 0))
  await collectGarbage()
  expect(gone.deref()).toBeUndefined()
})
