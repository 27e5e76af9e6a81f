import type { Rng } from './env.ts'

/**
 * A seeded generator: sfc32 (Chris Doty-Humphrey's Small Fast Counter, PractRand), 32-bit, seeded through splitmix32.
 * Fast and well mixed; not for secrets.
 */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0
  const mix = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let a = mix() | 0
  let b = mix() | 0
  let c = mix() | 0
  let counter = 1
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    c |= 0
    return result >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  return rngOf(next)
}

/** All draws from one source of whole numbers in [0, 2^32), each as likely. */
export function rngOf(next: () => number): Rng {
  return { next, below: (bound) => below(next, bound), real: () => next() / 0x1_0000_0000 }
}

/** Unbiased by rejection (Lemire, "Fast Random Integer Generation in an Interval", 2019, simple form). */
function below(next: () => number, bound: number): number {
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound)
  let drawn = next()
  while (drawn >= limit) drawn = next()
  return drawn % bound
}

/** Shuffles in place (Fisher and Yates) and returns the same array. */
export function shuffle<Item>(items: Item[], rng: Rng): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = rng.below(last + 1)
    const item = items[last]!
    items[last] = items[other]!
    items[other] = item
  }
  return items
}

/** Up to `count` different items, in random order; the input stays as it is. */
export function sample<Item>(items: Iterable<Item>, count: number, rng: Rng): Item[] {
  return shuffle([...items], rng).slice(0, count)
}

/** One item, each as likely; undefined where there is none. */
export function pick<Item>(items: readonly Item[], rng: Rng): Item | undefined {
  return items.length === 0 ? undefined : items[rng.below(items.length)]
}
