import { malformed, parseCsv } from '../population/index.ts'

/** One node's time up, in milliseconds since the trace began. */
export interface Session {
  readonly startMs: number
  readonly endMs: number
}

const COLUMNS = ['node', 'start_s', 'end_s']

/**
 * Who was up when: a table with the columns `node`, `start_s` and `end_s`, in seconds from the beginning of the trace, in any order
 * and with any others. Returns the sessions of each node in the order of time. `USAGE` with file and line where a time is none, a
 * session ends before it starts, or two of one node overlap.
 */
export function readTrace(text: string, file: string): Session[][] {
  const { header, rows } = parseCsv(text, file)
  const places = COLUMNS.map((name) => {
    const place = header.indexOf(name)
    if (place < 0) throw malformed(file, 1, `there is no column "${name}"; a trace has ${COLUMNS.join(', ')}`)
    return place
  })
  const nodes = new Map<string, (Session & { readonly line: number })[]>()
  for (const { line, cells } of rows) {
    const [node, start, end] = places.map((place) => cells[place]!) as [string, string, string]
    if (node === '') throw malformed(file, line, 'the node has no name')
    const [startMs, endMs] = [readSeconds(start, file, line), readSeconds(end, file, line)]
    if (endMs <= startMs) throw malformed(file, line, `a session that ends at ${end} does not start at ${start}`)
    const sessions = nodes.get(node) ?? []
    sessions.push({ startMs, endMs, line })
    nodes.set(node, sessions)
  }
  for (const [node, sessions] of nodes) {
    sessions.sort((one, other) => one.startMs - other.startMs)
    for (const [index, { startMs, line }] of sessions.entries())
      if (index > 0 && startMs < sessions[index - 1]!.endMs)
        throw malformed(file, line, `${node} starts while its session of line ${sessions[index - 1]!.line} lasts`)
  }
  return [...nodes.values()].map((sessions) => sessions.map(({ startMs, endMs }) => ({ startMs, endMs })))
}

function readSeconds(cell: string, file: string, line: number): number {
  const seconds = /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : Number.NaN
  if (!(seconds < SECONDS_MAX)) throw malformed(file, line, `"${cell}" is not a time in seconds`)
  return seconds * 1_000
}

/** A hundred years. */
const SECONDS_MAX = 3_155_760_000
