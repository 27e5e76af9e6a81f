import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coverOf, includes, INTERVAL_COUNT_MAX, intersect, unite } from '../../../overlay/placement/intervals.ts'
import { after, compareOrdered, OTHER, type Bound, type Ordered } from '../../../overlay/placement/ordered.ts'

const values: fc.Arbitrary<Ordered> = fc.oneof(
  fc.constantFrom<Ordered>(null, OTHER, false, true, -Infinity, Infinity, 0, -0, ''),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true }),
  fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 3 }),
)
const bounds: fc.Arbitrary<Bound> = fc.oneof({ weight: 5, arbitrary: values }, fc.constant(undefined))
const intervals = fc.array(fc.record({ low: values, high: bounds }), { maxLength: 6 })

describe('the order of values', () => {
  test('law: it is one order', () => {
    fc.assert(
      fc.property(values, values, values, (one, two, three) => {
        expect(Math.sign(compareOrdered(one, two))).toBe(0 - Math.sign(compareOrdered(two, one)))
        if (compareOrdered(one, two) <= 0 && compareOrdered(two, three) <= 0)
          expect(compareOrdered(one, three)).toBeLessThanOrEqual(0)
      }),
    )
  })

  test('law: nothing lies between a value and the one after it', () => {
    fc.assert(
      fc.property(values, values, (one, two) => {
        expect(compareOrdered(one, after(one))).toBeLessThan(0)
        expect(compareOrdered(two, one) > 0 && compareOrdered(two, after(one)) < 0).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('intervals', () => {
  test('law: union and intersection are those of the values', () => {
    fc.assert(
      fc.property(intervals, intervals, values, (ours, theirs, value) => {
        const [one, other] = [unite(ours), unite(theirs)]
        expect(includes(one, value)).toBe(ours.some((interval) => includes([interval], value)))
        expect(includes(intersect(one, other), value)).toBe(includes(one, value) && includes(other, value))
      }),
      { numRuns: 2_000 },
    )
  })

  test('law: what is said of a stretch is so of each value in it', () => {
    fc.assert(
      fc.property(intervals, values, bounds, values, (drawn, low, high, value) => {
        if (!includes([{ low, high }], value)) return
        const set = unite(drawn)
        const cover = coverOf(set, low, high)
        if (cover !== 'some') expect(includes(set, value)).toBe(cover === 'all')
      }),
      { numRuns: 2_000 },
    )
  })

  test('beyond the bound the last ones take in what lies between them', () => {
    const points = Array.from({ length: INTERVAL_COUNT_MAX + 9 }, (_, index) => ({
      low: 2 * index,
      high: 2 * index + 1,
    }))
    const set = unite(points)
    expect(set).toHaveLength(INTERVAL_COUNT_MAX)
    expect(points.every(({ low }) => includes(set, low))).toBe(true)
    expect(includes(set, 2 * points.length)).toBe(false)
  })
})
