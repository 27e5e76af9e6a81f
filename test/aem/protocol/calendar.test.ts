import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Calendar } from '../../../aem/protocol/calendar.ts'

const CAPACITY = { cores: 8, memoryBytes: 1_000 }
const need = (cores: number, memoryBytes = 0): { cores: number; memoryBytes: number } => ({ cores, memoryBytes })

describe('a calendar', () => {
  test('promises what it has and no more', () => {
    const calendar = new Calendar(CAPACITY)
    expect(calendar.hold('a', need(5), { nowMs: 0, untilMs: 10 })).toBeUndefined()
    expect(calendar.hold('b', need(4), { nowMs: 0, untilMs: 10 })).toBe('4 cores wanted, 3 free')
    expect(calendar.hold('c', need(1, 1_001), { nowMs: 0, untilMs: 10 })).toContain('memory')
    expect(calendar.free(0)).toEqual(need(3, 1_000))
  })

  test('forgets a hold at its end, and confirms none that is over', () => {
    const calendar = new Calendar(CAPACITY)
    calendar.hold('a', need(8), { nowMs: 0, untilMs: 10 })
    expect(calendar.free(9).cores).toBe(0)
    expect(calendar.free(10).cores).toBe(8)
    expect(calendar.confirm('a', need(8), 10)).toContain('nothing is held')
  })

  test('keeps what is confirmed until it is released', () => {
    const calendar = new Calendar(CAPACITY)
    calendar.hold('a', need(8), { nowMs: 0, untilMs: 10 })
    expect(calendar.confirm('a', need(8), 9)).toBeUndefined()
    expect(calendar.free(1e9).cores).toBe(0)
    expect(calendar.hold('a', need(1), { nowMs: 0, untilMs: 1 })).toBeUndefined()
    expect(calendar.free(1e9).cores).toBe(0)
    calendar.release('a')
    expect(calendar.free(0).cores).toBe(8)
  })

  test('does not confirm more than was held', () => {
    const calendar = new Calendar(CAPACITY)
    calendar.hold('a', need(2), { nowMs: 0, untilMs: 10 })
    expect(calendar.confirm('a', need(3), 0)).toContain('less is held')
  })

  test('a hold asked for again begins anew, and is not counted twice', () => {
    const calendar = new Calendar(CAPACITY)
    calendar.hold('a', need(8), { nowMs: 0, untilMs: 10 })
    expect(calendar.hold('a', need(8), { nowMs: 5, untilMs: 20 })).toBeUndefined()
    expect(calendar.confirm('a', need(8), 15)).toBeUndefined()
  })

  test('never promises more than there is, whatever is asked in whatever order', () => {
    const unit = fc.constantFrom('a', 'b', 'c', 'd')
    const amount = fc.record({ cores: fc.integer({ min: 1, max: 9 }), memoryBytes: fc.integer({ min: 0, max: 1_100 }) })
    const step = fc.record({ kind: fc.constantFrom('hold', 'confirm', 'release'), unit, amount, afterMs: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const calendar = new Calendar(CAPACITY)
        const bound = new Map<string, { cores: number; memoryBytes: number }>()
        let nowMs = 0
        for (const { kind, unit: id, amount: asked, afterMs } of steps) {
          nowMs += afterMs
          if (kind === 'hold') calendar.hold(id, asked, { nowMs, untilMs: nowMs + 15 })
          else if (kind === 'release') {
            calendar.release(id)
            bound.delete(id)
          } else if (calendar.confirm(id, asked, nowMs) === undefined) bound.set(id, asked)
          const total = (pick: 'cores' | 'memoryBytes'): number =>
            [...bound.values()].reduce((sum, promise) => sum + promise[pick], 0)
          expect(total('cores') + calendar.free(nowMs).cores).toBeLessThanOrEqual(CAPACITY.cores)
          expect(total('memoryBytes') + calendar.free(nowMs).memoryBytes).toBeLessThanOrEqual(CAPACITY.memoryBytes)
        }
      }),
    )
  })
})
