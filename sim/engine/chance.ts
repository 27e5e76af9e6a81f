import type { Rng } from '../../overlay/env/index.ts'

/** What chance is drawn for. Each purpose has a stream of its own, so that one more draw in one shifts no other. */
export type Purpose = 'network' | 'faults' | 'scenario' | 'node' | 'names' | 'clocks' | 'protocol'

/** The stream of chance of one purpose, and of one node where the purpose is a node's own. */
export function chanceFor(seed: number, purpose: Purpose, index = 0): Chance {
  return new Chance(seed, purpose, index)
}

const PURPOSES: readonly Purpose[] = ['network', 'faults', 'scenario', 'node', 'names', 'clocks', 'protocol']

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counter, PractRand), as overlay's `seededRng` is, but with its state in four fields and
 * whole-number bounds: a million nodes each hold one, and a protocol draws for nearly every message.
 */
export class Chance implements Rng {
  #a: number
  #b: number
  #c: number
  #counter: number

  /** `turn` tells apart streams of one purpose and index. */
  constructor(seed: number, purpose: Purpose, index: number, turn = 0) {
    this.#a = seed | 0
    this.#b = (Math.floor(seed / 0x1_0000_0000) ^ Math.imul(PURPOSES.indexOf(purpose) + 1, 0x9e3779b1)) | 0
    this.#c = Math.imul(index, 0x85ebca6b) ^ index
    this.#counter = 1 + turn
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.next()
  }

  next(): number {
    return this.#step() >>> 0
  }

  /** The next 32 bits, as a signed number: what is not negative is more than an integer register holds. */
  #step(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result
  }

  /**
   * Unbiased. A small bound multiplies 16 bits, and draws again in the few cases that would favour some results (Lemire, "Fast Random
   * Integer Generation in an Interval", 2019); a large one takes the bits that it needs, and again where they exceed it.
   */
  below(bound: number): number {
    if (bound > SMALL_BOUND_MAX) return this.#belowLarge(bound)
    for (;;) {
      const product = Math.imul(this.#step() >>> 16, bound)
      const rest = product & 0xffff
      if (rest >= bound || rest >= 0x1_0000 % bound) return product >>> 16
    }
  }

  #belowLarge(bound: number): number {
    const shift = Math.clz32(bound - 1)
    let drawn = this.next() >>> shift
    while (drawn >= bound) drawn = this.next() >>> shift
    return drawn
  }

  real(): number {
    return this.next() / 0x1_0000_0000
  }
}

const SMALL_BOUND_MAX = 4_096
/** As many as sfc32's author uses to spread a seed over the whole state. */
const WARM_UP_ROUNDS = 15
