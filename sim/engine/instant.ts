import { AT, CELL, LIFE, NONE, ORIGIN, ROW, TARGET, WHAT } from './buckets.ts'
import { Occupied } from './occupied.ts'

/** The current millisecond: a chain of rows for each of its ticks. The rows are few and used over and over. */
export class Instant {
  /** Rows as in a bucket, with the number of the next row in place of the time. */
  rows = new Int32Array(ROWS_START * ROW)
  readonly #occupied: Occupied
  /** First and last row of each tick, side by side. */
  readonly #ends: Int32Array
  #free = NONE
  #rowsCount = 0

  constructor(slotsCount: number) {
    this.#occupied = new Occupied()
    this.#ends = new Int32Array(2 * slotsCount).fill(NONE)
  }

  append(slot: number, what: number, target: number, life: number, origin: number, cell: number): void {
    const row = this.#allocate()
    const rows = this.rows
    const base = row * ROW
    rows[base + NEXT] = NONE
    rows[base + WHAT] = what
    rows[base + TARGET] = target
    rows[base + LIFE] = life
    rows[base + ORIGIN] = origin
    rows[base + CELL] = cell
    const last = this.#ends[2 * slot + 1]!
    this.#ends[2 * slot + 1] = row
    if (last !== NONE) rows[last * ROW + NEXT] = row
    else {
      this.#ends[2 * slot] = row
      this.#occupied.add(slot)
    }
  }

  /** The first slot at or after `from` that has rows, or -1. */
  seek(from: number): number {
    return this.#occupied.seek(from)
  }

  /** Takes the first row of a slot that has one: where it begins. It may be read until the next one is appended. */
  shift(slot: number): number {
    const row = this.#ends[2 * slot]!
    const base = row * ROW
    const next = this.rows[base + NEXT]!
    this.#ends[2 * slot] = next
    if (next === NONE) {
      this.#ends[2 * slot + 1] = NONE
      this.#occupied.remove(slot)
    }
    this.rows[base + NEXT] = this.#free
    this.#free = row
    return base
  }

  #allocate(): number {
    const row = this.#free
    if (row !== NONE) {
      this.#free = this.rows[row * ROW + NEXT]!
      return row
    }
    if (this.#rowsCount * ROW === this.rows.length) {
      const rows = new Int32Array(2 * this.rows.length)
      rows.set(this.rows)
      this.rows = rows
    }
    return this.#rowsCount++
  }
}

const NEXT = AT
const ROWS_START = 64
