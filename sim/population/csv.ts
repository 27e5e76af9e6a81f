import { RoostError } from '../../overlay/error/index.ts'

/** A row of cells, and the line of the file that it begins on, from 1. */
export interface CsvRow {
  readonly line: number
  readonly cells: readonly string[]
}

export interface CsvTable {
  readonly header: readonly string[]
  readonly rows: readonly CsvRow[]
}

/** Rows of one table: a grid of a million machines, each given by hand. */
const ROW_COUNT_MAX = 1_000_000
const CELL_CHARS_MAX = 4_096

/**
 * A table with a header (RFC 4180; a line may also end in LF alone). `USAGE` with file and line where it is none: no header, a name
 * twice, a row with more or fewer cells, a quote that does not end, nothing below the header.
 */
export function parseCsv(text: string, file: string): CsvTable {
  const records = splitRecords(text.replace(/^\uFEFF/, ''), file)
  const header = records.shift()
  if (header === undefined) throw malformed(file, 1, 'the file is empty; its first line names the columns')
  for (const [index, name] of header.cells.entries()) {
    if (name.trim() === '') throw malformed(file, 1, `column ${index + 1} has no name`)
    if (header.cells.indexOf(name) !== index) throw malformed(file, 1, `there are two columns "${name}"`)
  }
  for (const { line, cells } of records)
    if (cells.length !== header.cells.length)
      throw malformed(file, line, `${cells.length} cells under ${header.cells.length} columns`)
  if (records.length === 0) throw malformed(file, 1, 'there is nothing below the header')
  return { header: header.cells.map((name) => name.trim()), rows: records }
}

/** What is wrong with a file that was given on the command line, and where. */
export function malformed(file: string, line: number, what: string): RoostError {
  return new RoostError('USAGE', `${file}, line ${line}: ${what}`, {
    file,
    line,
    hint: 'mend the file; docs/simulator.md says what it may hold',
  })
}

function splitRecords(text: string, file: string): CsvRow[] {
  const records: CsvRow[] = []
  let line = 1
  let place = 0
  while (place < text.length) {
    const start = line
    const cells: string[] = []
    let ends = false
    while (!ends) {
      const cell = readCell(text, place, file, line)
      if (cell.text.length > CELL_CHARS_MAX)
        throw malformed(file, line, `a cell of more than ${CELL_CHARS_MAX} characters`)
      cells.push(cell.text)
      line += cell.lineCount
      place = cell.end
      ends = text[place] !== ','
      place++
      if (ends && text[place - 1] === '\r') place++
    }
    line++
    if (cells.length > 1 || cells[0] !== '') records.push({ line: start, cells })
    if (records.length > ROW_COUNT_MAX + 1) throw malformed(file, line, `more than ${ROW_COUNT_MAX} rows`)
  }
  return records
}

/** The cell that begins at `start`; `end` is the separator behind it. */
function readCell(
  text: string,
  start: number,
  file: string,
  line: number,
): { readonly text: string; readonly end: number; readonly lineCount: number } {
  if (text[start] !== '"') {
    let end = start
    while (end < text.length && !',\n'.includes(text[end]!) && !text.startsWith('\r\n', end)) end++
    const cell = text.slice(start, end)
    if (cell.includes('"')) throw malformed(file, line, 'a quote within a cell that does not begin with one')
    return { text: cell.trim(), end, lineCount: 0 }
  }
  let cell = ''
  let end = start + 1
  for (;;) {
    const quote = text.indexOf('"', end)
    if (quote < 0) throw malformed(file, line, 'a quote that does not end')
    cell += text.slice(end, quote)
    end = quote + 1
    if (text[end] !== '"') break
    cell += '"'
    end++
  }
  if (end < text.length && !',\r\n'.includes(text[end]!)) throw malformed(file, line, 'text behind a closing quote')
  return { text: cell, end, lineCount: cell.split('\n').length - 1 }
}
