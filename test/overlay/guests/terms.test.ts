import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonPrefix, guestKey, peerKey, Terms } from '../../../overlay/index.ts'
import { peerIds } from '../descriptor/hand-env.ts'

const TERM_MS = 300_000
const terms = new Terms({ termMs: TERM_MS })
const keys = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const times = fc.integer({ min: 0, max: 4_000_000_000_000 })

describe('terms', () => {
  test('law: at each moment a node is in one term, and its visit for that counts and no other', () => {
    fc.assert(
      fc.property(keys, times, fc.integer({ min: -5, max: 5 }), (key, wallMs, away) => {
        const term = terms.at(key, wallMs)
        expect(terms.startMs(key, term)).toBeLessThanOrEqual(wallMs)
        expect(terms.startMs(key, term + 1)).toBeGreaterThan(wallMs)
        const stage = away < 0 ? 'over' : away === 0 ? 'here' : away === 1 ? 'coming' : 'early'
        expect(terms.stageOf(key, term + away, wallMs)).toBe(stage)
      }),
    )
  })

  test('terms begin at all times, not for everyone at once', () => {
    const starts = peerIds(1_000).map((peer) => terms.startMs(peerKey(peer), 1) - TERM_MS)
    const tenths = new Map<number, number>()
    for (const start of starts) {
      const tenth = Math.floor((-start / TERM_MS) * 10)
      tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
    }
    expect(tenths.size).toBe(10)
    for (const count of tenths.values()) expect(count).toBeGreaterThan(60)
  })

  test('each of 32 cells has about as many guests in a term, and a node is elsewhere in the next', () => {
    const guests = peerIds(10_000).map((peer) => peerKey(peer))
    const cellOf = (key: number, term: number): number => guestKey(key, term) >>> 27
    const counts = new Map<number, number>()
    for (const key of guests) counts.set(cellOf(key, 7), (counts.get(cellOf(key, 7)) ?? 0) + 1)
    // 312 on average; five deviations of Poisson's distribution.
    for (const count of counts.values()) expect(Math.abs(count - 312)).toBeLessThan(90)
    const stayed = guests.filter((key) => cellOf(key, 7) === cellOf(key, 8)).length
    expect(Math.abs(stayed - 312)).toBeLessThan(90)
  })

  test('those who are near each other at home are not as guests', () => {
    const home = peerIds(20_000)
      .map((peer) => peerKey(peer))
      .filter((key) => commonPrefix(key, 0) >= 4)
    const together = home.filter((key) => commonPrefix(guestKey(key, 3), guestKey(home[0]!, 3)) >= 4).length
    expect(together / home.length).toBeLessThan(0.1)
  })
})
