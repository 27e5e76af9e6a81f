/** Which slots of a wheel have anything in them: a bit for each. */
export class Occupied {
  readonly #words: Int32Array

  constructor(slotsCount: number) {
    this.#words = new Int32Array(slotsCount >>> 5)
  }

  add(slot: number): void {
    this.#words[slot >>> 5]! |= 1 << (slot & 31)
  }

  remove(slot: number): void {
    this.#words[slot >>> 5]! &= ~(1 << (slot & 31))
  }

  /** The first occupied slot at or after `from`, or -1. */
  seek(from: number): number {
    const words = this.#words
    let word = from >>> 5
    if (word >= words.length) return -1
    let bits = words[word]! & (-1 << (from & 31))
    while (bits === 0) {
      if (++word === words.length) return -1
      bits = words[word]!
    }
    return (word << 5) | (31 - Math.clz32(bits & -bits))
  }
}
