/**
 * When a node is guest where. Time is cut into terms, and each node's begin at a moment of its own, so that guests come and go one by
 * one. In each term it is guest in the cell that encloses a key which follows from its name and the number of the term: anybody can
 * work that out, and nobody can choose it who has not chosen a name with that in mind (see docs/decisions/0005).
 */
export class Terms {
  readonly #termMs: number

  constructor(options: { readonly termMs: number }) {
    this.#termMs = options.termMs
  }

  /** The number of the term that a node is in. */
  at(key: number, wallMs: number): number {
    return Math.floor((wallMs + this.#offsetMs(key)) / this.#termMs)
  }

  startMs(key: number, term: number): number {
    return term * this.#termMs - this.#offsetMs(key)
  }

  /** A visit is taken in from a whole term before its own, however wrong the visitor's clock is, and counts during its own alone. */
  stageOf(key: number, term: number, wallMs: number): 'early' | 'coming' | 'here' | 'over' {
    const termsAway = term - this.at(key, wallMs)
    return termsAway === 0 ? 'here' : termsAway === 1 ? 'coming' : termsAway < 0 ? 'over' : 'early'
  }

  #offsetMs(key: number): number {
    return (mixed(key, OFFSET) >>> 0) % this.#termMs
  }
}

/** Where the node of this key is guest in a term: 32 bits with sign, as other keys of cells. */
export function guestKey(key: number, term: number): number {
  return mixed(mixed(key, PLACE), term)
}

/** Stands for a visit where two nodes compare what they hold. */
export function visitHash(key: number, term: number): number {
  return mixed(mixed(key, HOLDING), term)
}

/** The finishing step of MurmurHash3 over one word and another: it spreads. */
export function mixed(one: number, other: number): number {
  let hash = Math.imul((one ^ Math.imul(other | 0, 0x9e3779b1)) | 0, 0x85ebca6b)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0xc2b2ae35)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0x27d4eb2f)
  return hash ^ (hash >>> 16)
}

const OFFSET = 0x1b873593
const PLACE = 0x38b34ae5
const HOLDING = 0x5bd1e995
