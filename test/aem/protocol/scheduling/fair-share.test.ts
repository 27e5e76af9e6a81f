import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FairShare } from '../../../../aem/protocol/scheduling/index.ts'
import { QUIET_CORE_SECONDS } from '../../../../aem/protocol/scheduling/fair-share.ts'

const HALF_LIFE_MS = 1_000
const options = { halfLifeMs: HALF_LIFE_MS }

describe('usage', () => {
  test('counts half after its half-life, and a quarter after two', () => {
    const share = new FairShare(0, options)
    share.charge('a', 800, 0)
    expect(share.usage('a', HALF_LIFE_MS)).toBeCloseTo(400, 9)
    expect(share.usage('a', 2 * HALF_LIFE_MS)).toBeCloseTo(200, 9)
    share.charge('a', 100, 2 * HALF_LIFE_MS)
    expect(share.usage('a', 3 * HALF_LIFE_MS)).toBeCloseTo(150, 9)
  })

  test('is forgotten in the end, and the user with it', () => {
    const share = new FairShare(0, options)
    share.charge('a', 800, 0)
    expect(share.usage('a', 1_000 * HALF_LIFE_MS)).toBe(0)
    expect(share.usersCount).toBe(0)
    expect(share.factor('a', 1_000 * HALF_LIFE_MS)).toBe(1)
  })

  test('does not grow when the clock goes back', () => {
    const share = new FairShare(5_000, options)
    share.charge('a', 100, 10_000)
    expect(share.usage('a', 0)).toBe(100)
    share.charge('a', 100, 0)
    expect(share.usage('a', 10_000)).toBe(200)
  })

  test('is what each charge has faded to, in whatever order they are asked after', () => {
    const charges = fc.array(fc.record({ afterMs: fc.nat(4_000), seconds: fc.nat(1_000) }), { maxLength: 40 })
    fc.assert(
      fc.property(charges, fc.nat(5_000), (list, restMs) => {
        const share = new FairShare(0, options)
        let nowMs = 0
        const made = list.map(({ afterMs, seconds }) => {
          nowMs += afterMs
          share.charge('a', seconds, nowMs)
          return { seconds, atMs: nowMs }
        })
        const endMs = nowMs + restMs
        const expected = made.reduce(
          (sum, { seconds, atMs }) => sum + seconds * 2 ** ((atMs - endMs) / HALF_LIFE_MS),
          0,
        )
        // What is forgotten is below a core-second.
        expect(Math.abs(share.usage('a', endMs) - expected)).toBeLessThan(1)
      }),
    )
  })
})

describe('the factor', () => {
  test('is 1 for who used nothing, and a half for who used just their share', () => {
    const share = new FairShare(0, options)
    const much = QUIET_CORE_SECONDS * 1e9
    share.charge('a', much, 0)
    share.charge('b', much, 0)
    expect(share.factor('nobody', 0)).toBe(1)
    expect(share.factor('a', 0)).toBeCloseTo(0.5, 6)
  })

  test('is no worse for a second on an idle node than for none', () => {
    const share = new FairShare(0, options)
    share.charge('a', 1, 0)
    expect(share.factor('a', 0)).toBeGreaterThan(0.999)
  })

  test('is higher for who is entitled to more and used the same', () => {
    const share = new FairShare(0, { ...options, weights: new Map([['big', 3]]) })
    share.charge('big', 9_000, 0)
    share.charge('small', 9_000, 0)
    expect(share.factor('big', 0)).toBeGreaterThan(share.factor('small', 0))
  })

  test('lies in (0, 1], falls with own use, and sorts users by what they used', () => {
    const uses = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 2, maxLength: 30 })
    fc.assert(
      fc.property(uses, (list) => {
        const share = new FairShare(0)
        for (const [user, seconds] of list.entries()) share.charge(`u${user}`, seconds, 0)
        const factors = list.map((_, user) => share.factor(`u${user}`, 0))
        for (const factor of factors) expect(factor > 0 && factor <= 1).toBe(true)
        for (const [one, seconds] of list.entries())
          for (const [other, otherSeconds] of list.entries())
            if (seconds > otherSeconds) expect(factors[one]!).toBeLessThan(factors[other]!)
        share.charge('u0', 1_000, 0)
        expect(share.factor('u0', 0)).toBeLessThan(factors[0]!)
      }),
    )
  })
})

describe('a full table', () => {
  test('counts nobody for less than they used, nor for more than that and their part of the whole', () => {
    const charge = fc.record({ user: fc.nat(30), seconds: fc.integer({ min: 1, max: 500 }) })
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 200 }), (charges) => {
        const usersCountMax = 8
        const share = new FairShare(0, { ...options, usersCountMax })
        const used = new Map<number, number>()
        let total = 0
        for (const { user, seconds } of charges) {
          share.charge(`u${user}`, seconds, 0)
          used.set(user, (used.get(user) ?? 0) + seconds)
          total += seconds
          expect(share.usersCount).toBeLessThanOrEqual(usersCountMax)
        }
        for (const [user, seconds] of used) {
          const counted = share.usage(`u${user}`, 0)
          if (counted === 0) expect(seconds).toBeLessThanOrEqual(total / usersCountMax)
          else {
            expect(counted).toBeGreaterThanOrEqual(seconds)
            expect(counted - seconds).toBeLessThanOrEqual(total / usersCountMax)
          }
        }
      }),
    )
  })
})

describe('on disk', () => {
  test('it goes on to fade', () => {
    const share = new FairShare(0, options)
    share.charge('a', 800, 0)
    share.charge('b', 80, 500)
    const plain = share.toPlain(1_000)
    const again = FairShare.fromPlain(structuredClone(plain), 2_000, options)
    expect(again.usage('a', 2_000)).toBeCloseTo(share.usage('a', 2_000), 9)
    expect(again.usage('b', 2_000)).toBeCloseTo(share.usage('b', 2_000), 9)
    expect(again.factor('a', 2_000)).toBeCloseTo(share.factor('a', 2_000), 9)
  })

  test.each([
    ['nothing', undefined],
    ['no list', { atMs: 0, users: 'all' }],
    ['use that is no number', { atMs: 0, users: [{ user: 'a', coreSeconds: Number.NaN }] }],
    ['more users than there may be', { atMs: 0, users: Array.from({ length: 10_001 }, () => ({})) }],
  ])('%s is refused', (_, plain) => {
    expect(() => FairShare.fromPlain(plain, 0)).toThrow(expect.objectContaining({ code: 'MESSAGE_MALFORMED' }))
  })
})
