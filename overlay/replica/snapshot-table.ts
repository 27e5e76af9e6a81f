import { shape } from '../env/index.ts'
import { plain, weigh } from './plain.ts'
import { SERVICE_CHUNK_WEIGHT_MAX, type Given } from './service.ts'

/** What the rows of one chunk weigh, beyond the first; and how many they are. */
const ROWS_WEIGHT_MAX = 131_072
const ROWS_COUNT_MAX = 4_096

/**
 * A table whose snapshot is drawn while it goes on changing: a service that keeps its state in one has `snapshot` and `restore` from it.
 * While a snapshot is drawn, a row that changes is set aside as it was, until it has been drawn. So values are replaced, never
 * changed. A row weighs at most `ROW_WEIGHT_MAX`.
 *
 * A service with several tables begins all their snapshots in its own `snapshot`, before it gives the first chunk of one.
 */
export class SnapshotTable<Value extends Given> {
  readonly #value: shape.Shape<Value>
  readonly #rows = new Map<string, Value>()
  readonly #drawings = new Set<Drawing<Value>>()

  /** `value` reads what a snapshot has of a row. */
  constructor(value: shape.Shape<Value>) {
    this.#value = value
  }

  get size(): number {
    return this.#rows.size
  }
  get(key: string): Value | undefined {
    return this.#rows.get(key)
  }

  /** In the order in which keys came: the same at every replica, one that was restored too. */
  entries(): IterableIterator<[string, Value]> {
    return this.#rows.entries()
  }

  set(key: string, value: Value): void {
    this.#setAside(key)
    this.#rows.set(key, value)
  }

  delete(key: string): boolean {
    this.#setAside(key)
    return this.#rows.delete(key)
  }

  /** The table as it is now, some rows at a time. */
  snapshot(): IterableIterator<Given> {
    const drawing = new Drawing(this.#rows, () => this.#drawings.delete(drawing))
    this.#drawings.add(drawing)
    return drawing
  }

  /** Empties the table; what is returned takes the chunks of a snapshot. */
  restore(): (chunk: Given) => void {
    this.#rows.clear()
    const readRows = shape.list(shape.list(plain(SERVICE_CHUNK_WEIGHT_MAX) as shape.Shape<Value>, 2), ROWS_COUNT_MAX)
    const readKey = shape.text(ROW_WEIGHT_MAX)
    return (chunk) => {
      for (const [key, value] of readRows(chunk, 'rows')) this.#rows.set(readKey(key, 'key'), this.#value(value, 'row'))
    }
  }

  #setAside(key: string): void {
    for (const drawing of this.#drawings) drawing.setAside(key)
  }
}

/** A row with its key; what wraps it in a chunk has the rest. */
export const ROW_WEIGHT_MAX = SERVICE_CHUNK_WEIGHT_MAX - 1_024

/** One snapshot that is being drawn. */
class Drawing<Value extends Given> implements IterableIterator<Given> {
  readonly #rows: ReadonlyMap<string, Value>
  readonly #onOver: () => void
  /** The keys as they were, those that are drawn taken out. */
  readonly #left: Set<string>
  /** Rows that have changed since, as they were. */
  readonly #aside = new Map<string, Value>()

  constructor(rows: ReadonlyMap<string, Value>, onOver: () => void) {
    this.#rows = rows
    this.#left = new Set(rows.keys())
    this.#onOver = onOver
  }

  [Symbol.iterator](): this {
    return this
  }

  setAside(key: string): void {
    if (this.#left.has(key) && !this.#aside.has(key)) this.#aside.set(key, this.#rows.get(key)!)
  }

  next(): IteratorResult<Given> {
    const rows: [string, Value][] = []
    let weight = 0
    for (const key of this.#left) {
      const value = this.#aside.get(key) ?? this.#rows.get(key)!
      weight += weigh(value) + weigh(key)
      if (rows.length > 0 && (weight > ROWS_WEIGHT_MAX || rows.length === ROWS_COUNT_MAX)) break
      rows.push([key, value])
      this.#left.delete(key)
      this.#aside.delete(key)
    }
    if (rows.length > 0) return { value: rows as unknown as Given, done: false }
    return this.return()
  }

  /** It is not wanted to its end. */
  return(): IteratorResult<Given> {
    this.#left.clear()
    this.#aside.clear()
    this.#onOver()
    return { value: undefined, done: true }
  }
}
