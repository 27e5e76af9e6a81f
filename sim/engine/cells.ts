/**
 * Values that wait for their event, each under a small number. The number of a value taken is given out next, so that what
 * comes and goes quickly stays in a few cells that are always at hand. The two values that carry nothing take no cell.
 */
export class Cells {
  readonly #values: unknown[] = []
  /** The free cells, linked. */
  #links = new Int32Array(LINKS_START)
  #free = EMPTY

  put(value: unknown): number {
    if (value === undefined) return UNDEFINED
    if (value === null) return NULL
    const cell = this.#free
    if (cell === EMPTY) return this.#grow(value)
    this.#free = this.#links[cell]!
    this.#values[cell] = value
    return cell
  }

  /** Gives a value back and forgets it. */
  take(cell: number): unknown {
    if (cell < 0) return cell === NULL ? null : undefined
    const value = this.#values[cell]
    this.#values[cell] = undefined
    this.#links[cell] = this.#free
    this.#free = cell
    return value
  }

  #grow(value: unknown): number {
    const cell = this.#values.push(value) - 1
    if (cell === this.#links.length) {
      const links = new Int32Array(2 * cell)
      links.set(this.#links)
      this.#links = links
    }
    return cell
  }
}

const EMPTY = -1
const UNDEFINED = -1
const NULL = -2
const LINKS_START = 256
