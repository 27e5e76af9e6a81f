import { expect, test } from 'vitest'
import { draw, drawResidual, meanOf, type Distribution } from '../../../sim/churn/index.ts'
import { drawsFor } from '../../../sim/population/index.ts'

const DRAW_COUNT = 40_000

/** Mean and variance as the textbooks have them. */
const CASES: readonly (readonly [Distribution, { mean: number; variance: number }])[] = [
  [
    { kind: 'exponential', mean: 3 },
    { mean: 3, variance: 9 },
  ],
  [
    { kind: 'weibull', shape: 2, scale: 5 },
    { mean: 4.4311346, variance: 5.3650459 },
  ],
  [
    { kind: 'weibull', shape: 0.64, scale: 10.86 },
    { mean: 15.0995468, variance: 601.7654 },
  ],
  [
    { kind: 'lognormal', mu: 1, sigma: 0.5 },
    { mean: 3.0802168, variance: 2.6947 },
  ],
  [
    { kind: 'gamma', shape: 4, scale: 0.5 },
    { mean: 2, variance: 1 },
  ],
  [
    { kind: 'gamma', shape: 0.53, scale: 30.79 },
    { mean: 16.3187, variance: 502.45 },
  ],
]

test.each(CASES)('%o has its mean and its variance', (distribution, { mean, variance }) => {
  expect(meanOf(distribution)).toBeCloseTo(mean, 3)
  const rng = drawsFor(1, 'session')
  const draws = Array.from({ length: DRAW_COUNT }, () => draw(distribution, rng))
  expect(draws.every((value) => value >= 0 && Number.isFinite(value))).toBe(true)
  const found = draws.reduce((sum, value) => sum + value, 0) / DRAW_COUNT
  const foundVariance = draws.reduce((sum, value) => sum + (value - found) ** 2, 0) / DRAW_COUNT
  // Five standard errors of the mean; the variance of heavy tails is known much worse.
  expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / DRAW_COUNT))
  expect(foundVariance / variance).toBeGreaterThan(0.8)
  expect(foundVariance / variance).toBeLessThan(1.25)
})

test.each(CASES)(
  'what is left of %o, found at some moment, is as renewal theory has it',
  (distribution, { mean, variance }) => {
    const rng = drawsFor(2, 'session')
    const count = DRAW_COUNT / 4
    const found =
      Array.from({ length: count }, () => drawResidual(distribution, rng)).reduce((sum, value) => sum + value, 0) /
      count
    const expected = (variance + mean ** 2) / (2 * mean)
    expect(found / expected).toBeGreaterThan(0.85)
    expect(found / expected).toBeLessThan(1.1)
  },
)
