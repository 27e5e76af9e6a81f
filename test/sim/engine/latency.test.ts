import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chanceFor,
  constantLatency,
  coordinateLatency,
  parseLatency,
  uniformLatency,
} from '../../../sim/engine/index.ts'
import { LATENCY_MS_MAX } from '../../../sim/engine/index.ts'

const NODES = 400

describe('coordinate latency', () => {
  const base = coordinateLatency({ meanMs: 100, jitterShare: 0 }).bind(7)
  const rng = chanceFor(1, 'network')
  const pair = (from: number, to: number): number => base(from, to, rng)

  test('has the mean over all pairs that it was given', () => {
    let sum = 0
    for (let from = 0; from < NODES; from++) for (let to = 0; to < NODES; to++) if (from !== to) sum += pair(from, to)
    expect(sum / NODES / (NODES - 1) / 100).toBeCloseTo(1, 1)
  })

  test('is the same both ways, and is that of two access links at least', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), (from, to) => {
        expect(pair(from, to)).toBe(pair(to, from))
        expect(pair(from, to)).toBeGreaterThanOrEqual((pair(from, from) + pair(to, to)) / 2)
      }),
    )
  })

  test('keeps the triangle: a way round is never shorter', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (a, b, c) => {
        expect(pair(a, b) + pair(b, c)).toBeGreaterThanOrEqual(pair(a, c) - 1e-9)
      }),
    )
  })

  test('jitters by no more than its share, and differs by seed', () => {
    const jittery = coordinateLatency({ meanMs: 100, jitterShare: 0.25 }).bind(7)
    const drawn = Array.from({ length: 1_000 }, () => jittery(1, 2, rng) / pair(1, 2))
    for (const ratio of drawn) expect(Math.abs(ratio - 1)).toBeLessThanOrEqual(0.25)
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(0.4)
    expect(coordinateLatency({ meanMs: 100, jitterShare: 0 }).bind(8)(1, 2, rng)).not.toBe(pair(1, 2))
  })

  test('gives these times on every machine', () => {
    expect([pair(0, 1), pair(2, 3), pair(100_000, 5)].map((ms) => ms.toFixed(6))).toMatchInlineSnapshot(`
      [
        "125.038662",
        "73.999929",
        "127.310670",
      ]
    `)
  })
})

describe('a latency by its text', () => {
  const times = (text: string): number[] => {
    const rng = chanceFor(3, 'network')
    const latency = parseLatency(text).bind(3)
    return Array.from({ length: 200 }, (_, index) => latency(index, index + 1, rng))
  }

  test('names the three models', () => {
    const rng = chanceFor(3, 'network')
    const uniform = uniformLatency({ minMs: 20, maxMs: 200 }).bind(3)
    expect(times('uniform:20-200')).toEqual(times('uniform:20-200').map((_, index) => uniform(index, index + 1, rng)))
    expect(new Set(times('constant:50'))).toEqual(new Set([constantLatency(50).bind(3)(0, 1, rng)]))
    expect(times('coordinates:150').reduce((sum, ms) => sum + ms) / 200 / 150).toBeCloseTo(1, 0)
    expect(times('constant:0.5')[0]).toBe(0.5)
  })

  test('is refused with USAGE where it makes no sense', () => {
    for (const text of [
      '',
      'constant',
      'constant:',
      'constant:-1',
      'constant:1e9',
      'constant:50-60',
      `constant:${LATENCY_MS_MAX + 1}`,
      'uniform:200-20',
      'uniform:20',
      `uniform:0-${LATENCY_MS_MAX + 1}`,
      'coordinates:1-2',
      'coordinates:NaN',
      'normal:50',
      'uniform:20-200 ',
      '50',
    ])
      expect(() => parseLatency(text), text).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('never throws anything else, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z]{0,11}:[0-9.-]{0,20}$/)), (text) => {
        try {
          parseLatency(text)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'USAGE' })
        }
      }),
    )
  })
})
