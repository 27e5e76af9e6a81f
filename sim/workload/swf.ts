import { malformed } from '../population/index.ts'

/**
 * One job as the Standard Workload Format has it (version 2.2: Chapin et al., "Benchmarks and standards for the evaluation of parallel job
 * schedulers", JSSPP 1999; Feitelson's Parallel Workloads Archive keeps it). Absent is what the file gives as -1.
 */
export interface SwfRecord {
  readonly line: number
  readonly job: number
  /** Since the log began. */
  readonly submitS: number
  readonly waitS?: number
  readonly runS?: number
  readonly processors?: number
  readonly cpuS?: number
  /** Of each processor. */
  readonly usedMemoryKib?: number
  readonly askedProcessors?: number
  readonly askedS?: number
  /** Of each processor. */
  readonly askedMemoryKib?: number
  /** 0 failed, 1 completed, 2 to 4 parts of a job that was checkpointed, 5 cancelled. */
  readonly status?: number
  readonly user?: number
  readonly group?: number
  readonly executable?: number
  readonly queue?: number
  readonly partition?: number
  /** Jobs that must have ended before it starts. The format has one; several with `&` between are taken too. */
  readonly after: readonly number[]
  /** Between their end and its submission. */
  readonly thinkS?: number
}

/** What the comments above the jobs say. */
export interface SwfHeader {
  /** Every `; Name: value`, the first of a name. */
  readonly fields: ReadonlyMap<string, string>
  readonly processorsMax?: number
  readonly nodesMax?: number
  /** When the log began, in Unix time. */
  readonly unixStartS?: number
}

const HEADER_FIELDS_MAX = 1_000
const PRECEDING_COUNT_MAX = 1_000
const NUMBER_MAX = 1e15

/** The columns, in the order of the format. Times and memory are at times given with a fraction, the rest is whole. */
const COLUMNS = [
  { name: 'job', isWhole: true, words: 'job number' },
  { name: 'submitS', isWhole: false, words: 'submit time' },
  { name: 'waitS', isWhole: false, words: 'wait time' },
  { name: 'runS', isWhole: false, words: 'run time' },
  { name: 'processors', isWhole: true, words: 'processors' },
  { name: 'cpuS', isWhole: false, words: 'CPU time' },
  { name: 'usedMemoryKib', isWhole: false, words: 'used memory' },
  { name: 'askedProcessors', isWhole: true, words: 'requested processors' },
  { name: 'askedS', isWhole: false, words: 'requested time' },
  { name: 'askedMemoryKib', isWhole: false, words: 'requested memory' },
  { name: 'status', isWhole: true, words: 'status' },
  { name: 'user', isWhole: true, words: 'user' },
  { name: 'group', isWhole: true, words: 'group' },
  { name: 'executable', isWhole: true, words: 'executable' },
  { name: 'queue', isWhole: true, words: 'queue' },
  { name: 'partition', isWhole: true, words: 'partition' },
  { name: 'after', isWhole: true, words: 'preceding job' },
  { name: 'thinkS', isWhole: false, words: 'think time' },
] as const
const AFTER_PLACE = COLUMNS.findIndex(({ name }) => name === 'after')

/**
 * Jobs from lines of text, one by one as they are asked for. Columns beyond the 18 are others', and so is a line of column names above
 * the first job. `USAGE` with file and line where a field is missing or no number, or where a job waits for one that is not above it.
 */
export function readSwf(lines: Iterable<string>, file: string): { header: SwfHeader; records: Iterable<SwfRecord> } {
  const source = numbered(lines)
  const fields = new Map<string, string>()
  let first = source.next()
  for (; !first.done; first = source.next()) {
    const { text, line } = first.value
    if (text.startsWith(';')) note(text, fields, file, line)
    else if (text !== '' && !isNames(text)) break
  }
  return { header: headerOf(fields), records: records(first, source, file) }
}

interface Line {
  readonly text: string
  readonly line: number
}

function* numbered(lines: Iterable<string>): Generator<Line, undefined> {
  let line = 0
  for (const text of lines) yield { text: (line++ === 0 ? text.replace(/^\uFEFF/, '') : text).trim(), line }
}

function* records(first: IteratorResult<Line, undefined>, rest: Iterator<Line>, file: string): Generator<SwfRecord> {
  for (let next: IteratorResult<Line, unknown> = first; !next.done; next = rest.next()) {
    const { text, line } = next.value
    if (text !== '' && !text.startsWith(';')) yield recordOf(text, file, line)
  }
}

function recordOf(text: string, file: string, line: number): SwfRecord {
  const cells = text.split(/\s+/)
  if (cells.length < COLUMNS.length)
    throw malformed(file, line, `${cells.length} fields; a job in Standard Workload Format has ${COLUMNS.length}`)
  const values: Record<string, unknown> = { line }
  for (const [place, { name, isWhole, words }] of COLUMNS.entries()) {
    if (place === AFTER_PLACE) continue
    const value = Number(cells[place]!)
    if (!/^-?\d+(\.\d*)?$/.test(cells[place]!) || value > NUMBER_MAX || (isWhole && !Number.isInteger(value)))
      throw malformed(
        file,
        line,
        `field ${place + 1} (${words}) is "${cells[place]}", not a ${isWhole ? 'whole ' : ''}number`,
      )
    if (value >= 0) values[name] = value
  }
  for (const needed of [0, 1])
    if (values[COLUMNS[needed]!.name] === undefined)
      throw malformed(file, line, `there is no ${COLUMNS[needed]!.words}`)
  const { job } = values as { job: number }
  return { ...values, after: precedingOf(cells[AFTER_PLACE]!, job, file, line) } as unknown as SwfRecord
}

function precedingOf(cell: string, job: number, file: string, line: number): readonly number[] {
  if (/^-\d+$/.test(cell)) return []
  const numbers = cell.split('&')
  if (numbers.length > PRECEDING_COUNT_MAX)
    throw malformed(file, line, `more than ${PRECEDING_COUNT_MAX} preceding jobs`)
  return numbers.map((text) => {
    if (!/^\d{1,15}$/.test(text)) throw malformed(file, line, `"${text}" is not the number of a preceding job`)
    if (Number(text) >= job) throw malformed(file, line, `job ${job} waits for job ${text}, which does not precede it`)
    return Number(text)
  })
}

function isNames(text: string): boolean {
  return /^[a-z_]+\s+[a-z_]+\s/i.test(text)
}

function note(text: string, fields: Map<string, string>, file: string, line: number): void {
  const match = /^;\s*([A-Za-z][\w ]*?)\s*:\s*(.*)$/.exec(text)
  if (!match || fields.has(match[1]!)) return
  if (fields.size === HEADER_FIELDS_MAX) throw malformed(file, line, `more than ${HEADER_FIELDS_MAX} header fields`)
  fields.set(match[1]!, match[2]!.trim())
}

function headerOf(fields: ReadonlyMap<string, string>): SwfHeader {
  const whole = (name: string): number | undefined => {
    const match = /^\d{1,15}/.exec(fields.get(name) ?? '')
    return match ? Number(match[0]) : undefined
  }
  const known = { processorsMax: whole('MaxProcs'), nodesMax: whole('MaxNodes'), unixStartS: whole('UnixStartTime') }
  return { fields, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) }
}
