import { createRequire } from 'node:module'
import type Table from 'cli-table3'
import { printable } from './printable.ts'

export type Cell = string | number

/** No line is drawn anywhere; two spaces stand between columns. */
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/**
 * Rows under upper-case headers, as wide as their content, numbers to the right. cli-table3 knows how wide characters are
 * on a terminal; it is loaded with the first table, for most commands never need it.
 */
export function formatTable(rows: readonly Readonly<Record<string, Cell>>[], columns: readonly string[]): string {
  const TableClass = createRequire(import.meta.url)('cli-table3') as typeof Table
  const isNumeric = (column: string): boolean => rows.length > 0 && rows.every((row) => typeof row[column] === 'number')
  const table = new TableClass({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    head: columns.map((column) => column.toUpperCase()),
    colAligns: columns.map((column) => (isNumeric(column) ? 'right' : 'left')),
  })
  for (const row of rows) table.push(columns.map((column) => cellText(row[column])))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** A missing value shows as `-`, so that columns can be counted by programs too. */
function cellText(cell: Cell | undefined): string {
  const text = printable(String(cell ?? '')).replace(/\s+/g, ' ')
  return text === '' ? '-' : text
}
