/**
 * Values that wait for their event, each under a small number. The number of a value taken is given out next, so that what
 * comes and goes quickly stays in a few cells that are always at hand. The two values that carry nothing take no cell, nor do
 * whole numbers from 1 that are not too large and a few texts.
 */
export class Cells {
  readonly #values: unknown[] = []
  /** The first texts that came: protocols tell their timers apart by a few. */
  readonly #texts: string[] = []
  /** The free cells, linked. */
  #links = new Int32Array(LINKS_START)
  #free = EMPTY

  put(value: unknown): number {
    if (value === undefined) return UNDEFINED
    if (value === null) return NULL
    if (typeof value === 'number' && (value | 0) === value && value > 0 && value < NUMBER_MAX) return NUMBERS - value
    if (typeof value === 'string') {
      const text = this.#texts.indexOf(value)
      if (text >= 0) return TEXTS - text
      if (this.#texts.length < TEXTS_MAX) return TEXTS + 1 - this.#texts.push(value)
    }
    const cell = this.#free
    if (cell === EMPTY) return this.#grow(value)
    this.#free = this.#links[cell]!
    this.#values[cell] = value
    return cell
  }

  /** Gives a value back and forgets it. */
  take(cell: number): unknown {
    if (cell < 0) return this.#valueOf(cell)
    const value = this.#values[cell]
    this.#values[cell] = undefined
    this.#links[cell] = this.#free
    this.#free = cell
    return value
  }

  #valueOf(cell: number): unknown {
    if (cell <= TEXTS) return this.#texts[TEXTS - cell]
    return cell < NUMBERS ? NUMBERS - cell : cell === NULL ? null : undefined
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
/** A number stands as that much below this. */
const NUMBERS = -2
const NUMBER_MAX = 2 ** 30
/** A text stands as that much below this. */
const TEXTS = NUMBERS - NUMBER_MAX
const TEXTS_MAX = 8
const LINKS_START = 256
