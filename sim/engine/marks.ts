/** A whole number for each node, side by side in memory; 0 for those that are new. */
export class Marks {
  #marks = new Int32Array(START)
  #count = 0

  add(): void {
    if (this.#count === this.#marks.length) {
      const marks = new Int32Array(this.#count * 2)
      marks.set(this.#marks)
      this.#marks = marks
    }
    this.#marks[this.#count++] = 0
  }

  at(index: number): number {
    return this.#marks[index]!
  }

  set(index: number, mark: number): void {
    this.#marks[index] = mark
  }
}

const START = 64
