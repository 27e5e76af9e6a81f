import { isNewer, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'

/**
 * Checked descriptors by number, so that views and what passes between the nodes of one process are rows of whole numbers: to
 * search, draw and exchange them touches no descriptor.
 *
 * A peer has two numbers that differ in the last bit. They are given in turn to what it says: to its newest word, and to the one
 * before. What is older than that stands for the newest, as the descriptor checker has it too.
 */
export class Book {
  readonly #countMax: number
  readonly #places = new Map<PeerId, number>()
  /** By place, which is half of a number: the peer, its newest word, and the last bit of that word's number. */
  readonly #peers: PeerId[] = []
  readonly #newest: Descriptor[] = []
  readonly #turns: number[] = []
  /** By number: the word before the newest. */
  readonly #before = new Map<number, Descriptor>()
  readonly #free: number[] = []

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  /** How many more peers there is room for. */
  get room(): number {
    return this.#countMax - this.#places.size
  }

  /** The number of a checked descriptor; that of its peer's newest word where it is older. NOBODY where there is no room. */
  numberOf(descriptor: Descriptor): number {
    const place = this.#places.get(descriptor.peer)
    if (place === undefined) return this.#add(descriptor)
    if (isNewer(descriptor, this.#newest[place])) {
      this.#before.set(this.#newestNumber(place), this.#newest[place]!)
      this.#turns[place]! ^= 1
      this.#newest[place] = descriptor
      this.#before.delete(this.#newestNumber(place))
    }
    return this.#newestNumber(place)
  }

  /** A number of a peer, or NOBODY. */
  find(peer: PeerId): number {
    const place = this.#places.get(peer)
    return place === undefined ? NOBODY : this.#newestNumber(place)
  }

  at(number: number): Descriptor {
    const place = number >> 1
    const newest = this.#newest[place]!
    return this.#turns[place] === (number & 1) ? newest : (this.#before.get(number) ?? newest)
  }

  peerAt(number: number): PeerId {
    return this.#peers[number >> 1]!
  }

  /** The later of two words of the same peer. */
  later(one: number, other: number): number {
    return isNewer(this.at(other), this.at(one)) ? other : one
  }

  /** Forgets all whose numbers are not among these. Their numbers go to others. */
  keepOnly(numbers: ReadonlySet<number>): void {
    for (const [peer, place] of this.#places) {
      if (numbers.has(2 * place) || numbers.has(2 * place + 1)) continue
      this.#places.delete(peer)
      this.#before.delete(2 * place)
      this.#before.delete(2 * place + 1)
      this.#free.push(place)
    }
  }

  #add(descriptor: Descriptor): number {
    if (this.room <= 0) return NOBODY
    const place = this.#free.pop() ?? this.#peers.length
    this.#places.set(descriptor.peer, place)
    this.#peers[place] = descriptor.peer
    this.#newest[place] = descriptor
    this.#turns[place] = 0
    return 2 * place
  }

  #newestNumber(place: number): number {
    return 2 * place + this.#turns[place]!
  }
}

/** Whether two numbers are of the same peer. */
export function isSamePeer(one: number, other: number): boolean {
  return (one ^ other) >>> 1 === 0
}

/** No peer's number. */
export const NOBODY = -2
