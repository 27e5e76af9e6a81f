import { randomFillSync } from 'node:crypto'
import { rngOf } from '../../overlay/index.ts'
import type { Rng, Surroundings } from '../../overlay/index.ts'
import { steadyClock } from '../clock/index.ts'
import { createCrypto } from './crypto.ts'
import type { Key } from './key.ts'

/** Numbers drawn from the system at once; one call costs as much as some hundred numbers. */
const POOL_COUNT = 1_024

/**
 * Chance from the system's own generator. A seeded one of 32 bits would do for balance, but peers that watch what we draw could
 * find the seed and know whom we will gossip with next.
 */
export function systemRng(): Rng {
  const pool = new Uint32Array(POOL_COUNT)
  let left = 0
  return rngOf(() => {
    if (left === 0) {
      randomFillSync(pool)
      left = POOL_COUNT
    }
    return pool[--left]!
  })
}

/** The real world, for the holder of this key. */
export function createSurroundings(key: Key): Surroundings {
  return {
    self: key.id,
    get nowMs() {
      return steadyClock.nowMs
    },
    get wallMs() {
      return Date.now()
    },
    rng: systemRng(),
    crypto: createCrypto(key),
  }
}
