import { isNewer, type Descriptor } from '../descriptor/index.ts'
import { shuffle, type PeerId, type Rng } from '../env/index.ts'
import { AGE_MAX, type Entry } from './messages.ts'

/**
 * A bounded set of descriptors with ages. It is two short arrays, searched from end to end: at twenty entries that is quicker than a map and
 * a fraction of its memory. Ages are kept as the cycle of birth, so that growing older costs nothing.
 */
export class View {
  readonly #size: number
  readonly #descriptors: Descriptor[] = []
  readonly #bornAt: number[] = []
  #cycle = 0

  constructor(options: { readonly size: number }) {
    this.#size = options.size
  }

  get count(): number {
    return this.#descriptors.length
  }

  get isFull(): boolean {
    return this.#descriptors.length >= this.#size
  }

  descriptors(): readonly Descriptor[] {
    return this.#descriptors
  }

  has(peer: PeerId): boolean {
    return this.#indexOf(peer) >= 0
  }

  /** Everyone in it is a cycle older. */
  growOlder(): void {
    this.#cycle++
  }

  /** Who has not spoken for the longest; the first such one. */
  oldest(): Descriptor | undefined {
    let oldest = 0
    for (let index = 1; index < this.#bornAt.length; index++)
      if (this.#bornAt[index]! < this.#bornAt[oldest]!) oldest = index
    return this.#descriptors[oldest]
  }

  /** Up to `count` different entries by chance. */
  draw(count: number, rng: Rng): Entry[] {
    const indexes = shuffle([...this.#descriptors.keys()], rng).slice(0, count)
    return indexes.map((index) => this.#entry(index))
  }

  remove(peer: PeerId): boolean {
    const index = this.#indexOf(peer)
    if (index < 0) return false
    const lastDescriptor = this.#descriptors.pop()!
    const lastBornAt = this.#bornAt.pop()!
    if (index < this.#descriptors.length) {
      this.#descriptors[index] = lastDescriptor
      this.#bornAt[index] = lastBornAt
    }
    return true
  }

  /**
   * Takes an entry in: in place of an older word of the same node, in an empty slot, or in place of the first of `replaceable` that is
   * still there (which is used up). Says whether it stands in the view now.
   */
  insert(entry: Entry, replaceable: PeerId[]): boolean {
    const { descriptor } = entry
    const bornAt = this.#cycle - entry.age
    const known = this.#indexOf(descriptor.peer)
    if (known >= 0) {
      if (isNewer(descriptor, this.#descriptors[known])) this.#descriptors[known] = descriptor
      this.#bornAt[known] = Math.max(this.#bornAt[known]!, bornAt)
      return true
    }
    while (this.isFull) {
      const peer = replaceable.pop()
      if (peer === undefined) return false
      this.remove(peer)
    }
    this.#descriptors.push(descriptor)
    this.#bornAt.push(bornAt)
    return true
  }

  #entry(index: number): Entry {
    return {
      descriptor: this.#descriptors[index]!,
      age: Math.min(this.#cycle - this.#bornAt[index]!, AGE_MAX),
    }
  }

  #indexOf(peer: PeerId): number {
    for (let index = 0; index < this.#descriptors.length; index++)
      if (this.#descriptors[index]!.peer === peer) return index
    return -1
  }
}
