import type { Rng } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'
import { normal } from '../population/index.ts'

/** How long something lasts, as the distributions that measured up and down times are fitted with. */
export type Distribution =
  | { readonly kind: 'exponential'; readonly mean: number }
  | { readonly kind: 'weibull'; readonly shape: number; readonly scale: number }
  | { readonly kind: 'lognormal'; readonly mu: number; readonly sigma: number }
  | { readonly kind: 'gamma'; readonly shape: number; readonly scale: number }

export const DISTRIBUTION_KINDS = ['exponential', 'weibull', 'lognormal', 'gamma'] as const

/** One draw, in the unit of the parameters. */
export function draw(distribution: Distribution, rng: Rng): number {
  switch (distribution.kind) {
    case 'exponential':
      return -distribution.mean * Math.log(1 - rng.real())
    case 'weibull':
      return distribution.scale * (-Math.log(1 - rng.real())) ** (1 / distribution.shape)
    case 'lognormal':
      return Math.exp(distribution.mu + distribution.sigma * normal(rng))
    case 'gamma':
      return distribution.scale * gamma(distribution.shape, rng)
  }
}

/** The mean, in the unit of the parameters. */
export function meanOf(distribution: Distribution): number {
  switch (distribution.kind) {
    case 'exponential':
      return distribution.mean
    case 'weibull':
      return distribution.scale * gammaFunction(1 + 1 / distribution.shape)
    case 'lognormal':
      return Math.exp(distribution.mu + distribution.sigma ** 2 / 2)
    case 'gamma':
      return distribution.shape * distribution.scale
  }
}

/**
 * How long something lasts on that is found in the middle of it: long ones are met more often, and any moment of one is as likely.
 * The lengths are weighed among `RESIDUAL_DRAW_COUNT` draws, which the very longest escape.
 */
export function drawResidual(distribution: Distribution, rng: Rng): number {
  const lengths = Array.from({ length: RESIDUAL_DRAW_COUNT }, () => draw(distribution, rng))
  let place = rng.real() * lengths.reduce((sum, length) => sum + length, 0)
  for (const length of lengths) {
    if (place < length) return length - place
    place -= length
  }
  return lengths.at(-1)!
}
const RESIDUAL_DRAW_COUNT = 64

/** A distribution from JSON, `{ "shape": 0.64, "scale": 10.86 }` under its kind. `USAGE` where its parameters are impossible. */
export function readDistribution(kind: (typeof DISTRIBUTION_KINDS)[number], value: unknown): Distribution {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const real = (name: string, isAllowed: (number: number) => boolean): number => {
    const number = fields[name]
    if (typeof number !== 'number' || !Number.isFinite(number) || !isAllowed(number))
      throw new RoostError('USAGE', `${kind} has no ${name} that is possible: ${JSON.stringify(number)}`)
    return number
  }
  const positive = (name: string): number => real(name, (number) => number > 0)
  switch (kind) {
    case 'exponential':
      return { kind, mean: positive('mean') }
    case 'weibull':
    case 'gamma':
      return { kind, shape: positive('shape'), scale: positive('scale') }
    case 'lognormal':
      return { kind, mu: real('mu', () => true), sigma: positive('sigma') }
  }
}

/** Scale 1. Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); shapes below 1 by their section 6. */
function gamma(shape: number, rng: Rng): number {
  if (shape < 1) return gamma(shape + 1, rng) * (1 - rng.real()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(rng)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - rng.real()) < x * x * 0.5 + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Lanczos' approximation with g = 7 and nine terms: fifteen digits for arguments above 1/2. */
function gammaFunction(argument: number): number {
  const x = argument - 1
  let sum = LANCZOS[0]!
  for (let index = 1; index < LANCZOS.length; index++) sum += LANCZOS[index]! / (x + index)
  const t = x + 7.5
  return Math.sqrt(2 * Math.PI) * t ** (x + 0.5) * Math.exp(-t) * sum
}
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]
