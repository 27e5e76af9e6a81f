import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventQueue } from '../../../sim/engine/queue.ts'

const PLENTY = 1_000_000

/** Delays that fall into every wheel and beyond the last, with many equal ones among them. */
const delays = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 2_000 }),
  fc.integer({ min: 0, max: 3_000_000 }),
  fc.integer({ min: 0, max: 2 ** 33 }),
)
const steps = fc.array(fc.oneof(fc.record({ add: delays }), fc.record({ takeWithin: delays })), { maxLength: 300 })

describe('EventQueue', () => {
  test('takes events by time, and those of one time in the order in which they were added', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const queue = new EventQueue(PLENTY)
        const model: { atTicks: number; id: number }[] = []
        let nowTicks = 0
        for (const [id, step] of script.entries())
          if ('add' in step) {
            const atTicks = nowTicks + step.add
            queue.add(atTicks, 1, id, 1, 0, 0, `payload ${id}`)
            const after = model.findIndex((entry) => entry.atTicks > atTicks)
            model.splice(after < 0 ? model.length : after, 0, { atTicks, id })
          } else {
            const untilTicks = nowTicks + step.takeWithin
            const expected = (model[0]?.atTicks ?? Infinity) <= untilTicks ? model.shift() : undefined
            expect(queue.take(untilTicks) ? queue.atTicks : -1).toBe(expected?.atTicks ?? -1)
            if (expected !== undefined) {
              expect([queue.target, queue.payload]).toEqual([expected.id, `payload ${expected.id}`])
              nowTicks = expected.atTicks
            } else nowTicks = untilTicks
          }
        expect(queue.count).toBe(model.length)
        for (const { atTicks, id } of model) {
          expect(queue.take(Infinity) ? queue.atTicks : -1).toBe(atTicks)
          expect(queue.target).toBe(id)
        }
        expect(queue.take(Infinity) ? queue.atTicks : -1).toBe(-1)
      }),
      { numRuns: 300 },
    )
  })

  test('keeps every field of an event apart from its neighbours, through growth', () => {
    const queue = new EventQueue(PLENTY)
    const count = 5_000
    for (let id = 0; id < count; id++) queue.add(count - id, id % 7, id, id + 1, id + 2, id % 5, { id })
    for (let id = count - 1; id >= 0; id--) {
      expect(queue.take(Infinity) ? queue.atTicks : -1).toBe(count - id)
      const { kind, target, life, origin, channel, payload } = queue
      expect([kind, target, life, origin, channel, payload]).toEqual([id % 7, id, id + 1, id + 2, id % 5, { id }])
    }
  })

  test('refuses one event more than its bound with BUSY, and takes events again once there is room', () => {
    const queue = new EventQueue(3)
    for (let id = 0; id < 3; id++) queue.add(id, 1, id, 1, 0, 0, undefined)
    expect(() => queue.add(9, 1, 3, 1, 0, 0, undefined)).toThrow(expect.objectContaining({ code: 'BUSY' }))
    queue.take(Infinity)
    queue.add(9, 1, 3, 1, 0, 0, undefined)
    expect(queue.count).toBe(3)
  })

  test('forgets what it has handed out', () => {
    const queue = new EventQueue(PLENTY)
    queue.add(1, 1, 0, 1, 0, 0, { large: true })
    queue.take(Infinity)
    expect(queue.payload).toEqual({ large: true })
    expect(queue.payload).toBeUndefined()
  })
})
