import { LineCounter, parseDocument, type Document, type YAMLError } from 'yaml'
import { asRoostError, RoostError, type Plain } from '../../overlay/index.ts'
import { readDescription, type FieldPath, type JobDescription } from '../protocol/index.ts'
import { positionIn, positionOf, type Position } from './position.ts'

/** A job file is a page or two; a longer one is a mistake, or meant to hurt. */
export const JOB_TEXT_BYTES_MAX = 96 * 1024

/** How often aliases may be followed: enough for shared blocks, too few for a bomb. */
const ALIAS_COUNT_MAX = 32

export interface JobText {
  /** As the user wrote it, which is what gets signed. */
  readonly raw: Plain
  readonly description: JobDescription
}

/**
 * Reads the native job format: YAML 1.2, and so JSON. Fails with the codes of `readDescription`, each with file, line and
 * column of the fault; duplicate keys, tags of other schemas, several documents and alias bombs are `JOB_MALFORMED`.
 */
export function parseJobText(text: string, file: string): JobText {
  if (Buffer.byteLength(text) > JOB_TEXT_BYTES_MAX) throw jobTextTooLong(file)
  refuseOtherFormats(text, file)
  const lineCounter = new LineCounter()
  const document = parse(text, { file, lineCounter })
  const [fault] = [...document.errors, ...document.warnings]
  if (fault) throw malformed(messageOf(fault), positionIn(lineCounter, fault.pos[0]), { file, text, fault })
  const raw = toPlain(document, { file, text })
  try {
    return { raw, description: readDescription(raw) }
  } catch (thrown) {
    throw placed(asRoostError(thrown), { document, lineCounter, file, text })
  }
}

/** The first line of the parser's message, but for what is meant for its programmers. */
function messageOf(fault: YAMLError): string {
  if (fault.code === 'MULTIPLE_DOCS') return 'a job file has one document, and another begins here'
  return fault.message.split('\n')[0]!
}

/** The formats of other grids, which their users try first. */
function refuseOtherFormats(text: string, file: string): void {
  const format = /^\s*</.test(text) ? 'JSDL (XML)' : /^\s*\[\s*\w+\s*=/.test(text) ? 'JDL' : undefined
  if (format !== undefined)
    throw new RoostError('JOB_FIELD_UNSUPPORTED', `${file}: this version does not read ${format}`, {
      file,
      hint: 'write the job as YAML or JSON: see docs/jobs.md',
    })
}

export function jobTextTooLong(file: string): RoostError {
  return new RoostError('JOB_MALFORMED', `${file}: a job description has at most ${JOB_TEXT_BYTES_MAX} bytes`, {
    file,
    hint: 'put what is long into a file and name it under `stage: { in: [...] }`',
  })
}

function parse(text: string, { file, lineCounter }: { file: string; lineCounter: LineCounter }): Document.Parsed {
  try {
    return parseDocument(text, { ...YAML_OPTIONS, lineCounter })
  } catch (fault) {
    // Deeper than the parser's stack.
    throw malformed(fault instanceof Error ? fault.message : String(fault), undefined, { file, text, fault })
  }
}

const YAML_OPTIONS = {
  prettyErrors: false,
  uniqueKeys: true,
  stringKeys: true,
  merge: false,
  version: '1.2',
  schema: 'core',
  resolveKnownTags: false,
} as const

function toPlain(document: Document.Parsed, source: { file: string; text: string }): Plain {
  try {
    return document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }) as Plain
  } catch (fault) {
    const message = fault instanceof Error ? fault.message : String(fault)
    throw malformed(message, undefined, { ...source, fault })
  }
}

function malformed(
  message: string,
  position: Position | undefined,
  { file, text, fault }: { file: string; text: string; fault: YAMLError | unknown },
): RoostError {
  return new RoostError('JOB_MALFORMED', where(file, position, message), {
    ...position,
    file,
    data: { source: text },
    cause: fault,
  })
}

/** The same error with the place in the file that its path, or its place inside an expression, stands for. */
function placed(
  error: RoostError,
  source: { document: Document.Parsed; lineCounter: LineCounter; file: string; text: string },
): RoostError {
  const path = (error.data?.['path'] ?? []) as FieldPath
  const inside = error.line === undefined ? undefined : { line: error.line, column: error.column ?? 1 }
  const position = positionOf(source, path, { inside, isKey: error.data?.['at'] === 'key' })
  // Its place in the file says more than its place in the expression.
  const message = inside ? error.message.replace(/line \d+, column \d+: /, '') : error.message
  return new RoostError(error.code, where(source.file, position, message), {
    ...position,
    file: source.file,
    hint: error.hint,
    data: { path, source: source.text },
    cause: error,
  })
}

function where(file: string, position: Position | undefined, message: string): string {
  return position ? `${file}:${position.line}:${position.column}: ${message}` : `${file}: ${message}`
}
