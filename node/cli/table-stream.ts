import type { Output } from '../../overlay/contract/index.ts'
import { formatTable, type Cell } from './table.ts'

type Row = Readonly<Record<string, Cell>>

/** How long rows are gathered before they are shown: those that come together stand in one table that fits them all. */
const GATHER_MS = 50

/**
 * A table whose rows come one after another. Columns are as wide as the longest cell so far, so that rows that come later
 * stand under those before them unless they need more room.
 */
export class TableStream<Item> {
  readonly #output: Output
  readonly #columns: readonly string[]
  readonly #rowsOf: (items: readonly Item[]) => readonly Row[]
  #waiting: Item[] = []
  #timer: NodeJS.Timeout | undefined
  /** The longest cells so far; undefined before the first row. */
  #longest: Row | undefined

  constructor(output: Output, columns: readonly string[], rowsOf: (items: readonly Item[]) => readonly Row[]) {
    this.#output = output
    this.#columns = columns
    this.#rowsOf = rowsOf
  }

  add(item: Item): void {
    this.#waiting.push(item)
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS)
  }

  /** Shows what has come by now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length === 0) return
    const rows = this.#rowsOf(this.#waiting)
    this.#waiting = []
    // A row of the longest cells, which is not shown, makes the columns at least that wide.
    const model = this.#longest === undefined ? [] : [this.#longest]
    const lines = formatTable([...model, ...rows], this.#columns).split('\n')
    this.#output.line(lines.slice(model.length * 2).join('\n'))
    this.#longest = Object.fromEntries(
      this.#columns.map((column) => [column, longestCell([...model, ...rows], column)]),
    )
  }
}

function longestCell(rows: readonly Row[], column: string): Cell {
  let longest: Cell = ''
  for (const row of rows) {
    const cell = row[column] ?? ''
    if (String(cell).length > String(longest).length) longest = cell
  }
  return longest
}
