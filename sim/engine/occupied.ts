/** Which of up to 1024 slots have anything in them: a bit for each, and a bit for each word of bits that is not empty. */
export class Occupied {
  readonly #words = new Int32Array(32)
  #summary = 0

  add(slot: number): void {
    this.#words[slot >>> 5]! |= 1 << (slot & 31)
    this.#summary |= 1 << (slot >>> 5)
  }

  remove(slot: number): void {
    const word = slot >>> 5
    const bits = this.#words[word]! & ~(1 << (slot & 31))
    this.#words[word] = bits
    if (bits === 0) this.#summary &= ~(1 << word)
  }

  /** The first occupied slot at or after `from`, or -1. */
  seek(from: number): number {
    let word = from >>> 5
    if (word > 31) return -1
    let bits = this.#words[word]! & (-1 << (from & 31))
    if (bits === 0) {
      // Shifted twice, since a shift by 32 is none.
      const words = this.#summary & ((-1 << word) << 1)
      if (words === 0) return -1
      word = 31 - Math.clz32(words & -words)
      bits = this.#words[word]!
    }
    return (word << 5) | (31 - Math.clz32(bits & -bits))
  }
}
