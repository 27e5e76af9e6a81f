import { seededRng, type Rng } from '../../overlay/env/index.ts'

/** What chance outside of the simulation is drawn for; each has streams of its own. */
export type Draw = 'machine' | 'noise' | 'query' | 'question' | 'session' | 'story'

/**
 * The stream of chance of one thing: machine 12 is the same machine under one seed however many others there are, and whoever asks
 * for it first.
 */
export function drawsFor(seed: number, purpose: Draw, index = 0): Rng {
  let hash = Math.imul(PURPOSES.indexOf(purpose) + 1, 0x9e3779b1) ^ (seed | 0)
  for (const word of [Math.floor(seed / 0x1_0000_0000), index]) {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ word
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  }
  return seededRng(hash ^ (hash >>> 16))
}

const PURPOSES: readonly Draw[] = ['machine', 'noise', 'query', 'question', 'session', 'story']

/** A draw from the normal distribution of mean 0 and deviation 1 (Box and Muller, 1958). */
export function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.real())) * Math.cos(2 * Math.PI * rng.real())
}

/** One of `values`, each as likely as its weight says. */
export function weighted<Value>(values: readonly (readonly [value: Value, weight: number])[], share: number): Value {
  let left = share * values.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [value, weight] of values) {
    left -= weight
    if (left < 0) return value
  }
  return values.at(-1)![0]
}
