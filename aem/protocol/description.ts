import { FieldReader, malformedJob } from './field-reader.ts'
import type { Isolation, UnitLimits } from './launcher.ts'
import { parseBytes, parseDurationMs } from './quantity.ts'
import { NODES_MAX } from './shapes.ts'

/** What a user asks for, whichever front end it came through (docs/jobs.md, "What a description says"). */
export interface JobDescription {
  /** For people; the first word of `run` where it is not given. */
  readonly name: string
  /** Text for `/bin/sh -c`, or a program with its arguments. */
  readonly run: string | readonly string[]
  /** Only nodes for which this expression is true; `true` where it is not given. */
  readonly where: string
  /** A number for each node, higher first. */
  readonly rank?: string
  /** Units, one a node, that start together or not at all: 1 to `NODES_MAX`. */
  readonly nodes: number
  /** Cores promised to each unit, from 1. */
  readonly cores: number
  /** Memory promised to each unit; `limits.memoryBytes` where it is not given. */
  readonly memoryBytes?: number
  readonly env: Readonly<Record<string, string>>
  /** For people and programs to find it by: nothing is decided by them. */
  readonly labels: Readonly<Record<string, string>>
  readonly limits: UnitLimits
  /** Its units see only the system, read-only, and their sandbox; the network only where `network` is true. Absent: not isolated. */
  readonly isolate?: Isolation
  readonly stage: {
    /** Relative paths of files that every unit finds in its sandbox. */
    readonly in: readonly string[]
    /** Patterns of files in each sandbox that can be fetched afterwards. */
    readonly out: readonly string[]
  }
  /** A directory of the sandbox to start in. */
  readonly workdir?: string
}

/** Bounds of a description; what is beyond them is `JOB_MALFORMED`. */
export const NAME_CHARS_MAX = 200
export const RUN_CHARS_MAX = 64 * 1024
export const ARGUMENTS_COUNT_MAX = 4_096
export const EXPRESSION_CHARS_MAX = 16 * 1024
export const ENV_COUNT_MAX = 1_000
export const ENV_CHARS_MAX = 64 * 1024
export const LABELS_COUNT_MAX = 32
export const LABEL_VALUE_CHARS_MAX = 256
export const STAGE_COUNT_MAX = 1_000
export const PATH_CHARS_MAX = 1_024
export const CORES_MAX = 65_536
/** As many as Linux has ids for (`PID_MAX_LIMIT`). */
export const PROCESSES_MAX = 4_194_304
export const TIME_LIMIT_MS_MAX = 366 * 86_400_000

/** Fields that the design knows and this version does not do: refused by name rather than ignored. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  array: 'arrays of units',
  retry: 'retries',
  after: 'dependencies between jobs',
  queue: 'queues',
  priority: 'priorities',
  'queue-timeout': 'limits on the time in the queue',
  reserve: 'reservations',
  spread: 'spreading over sites',
  pack: 'packing into sites',
  container: 'containers',
  checkpoint: 'checkpoints',
  gpus: 'GPUs as something promised (`where: Gpus >= 1` finds nodes that have them)',
}

/**
 * Reads a description from plain data, as YAML or JSON gives it. Fails with `JOB_MALFORMED`, or `JOB_FIELD_UNSUPPORTED` for what only a
 * later version does; `data.path` then leads to the fault (`['limits', 'time']`), `[]` being the whole. A syntax error in `where` or
 * `rank` is an `EXPRESSION_MALFORMED` with that path and with line and column inside the expression.
 */
export function readDescription(value: unknown): JobDescription {
  const job = FieldReader.of(value, [], 'a job description is a table: `run: ...` at least')
  const run = readRun(job) ?? ''
  const where = job.expression('where', EXPRESSION_CHARS_MAX)
  const rank = job.expression('rank', EXPRESSION_CHARS_MAX)
  const memoryBytes = job.quantity('memory', parseBytes, 'a size such as `8GiB`')
  const isolate = readIsolation(job)
  const workdir = job.optionalPath('workdir', PATH_CHARS_MAX)
  const description: JobDescription = {
    name: job.text('name', NAME_CHARS_MAX) ?? nameOf(run),
    run,
    where: where ?? 'true',
    nodes: job.count('nodes', NODES_MAX) ?? 1,
    cores: job.count('cores', CORES_MAX) ?? 1,
    env: readEnv(job),
    labels: readLabels(job),
    limits: readLimits(job),
    stage: readStage(job),
    ...(rank !== undefined && { rank }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(isolate !== undefined && { isolate }),
    ...(workdir !== undefined && { workdir }),
  }
  job.refuseOthers(UNSUPPORTED)
  // After the fields that nobody knows: one of them may be a misspelt `run`.
  if (run === '') throw malformedJob([], 'a job needs `run`: a shell text or a list of program and arguments')
  if (/[\n\r]/.test(description.name)) throw malformedJob(['name'], 'a name is one line')
  return description
}

/** The memory that a node promises to one unit. */
export function promisedBytes(description: Pick<JobDescription, 'memoryBytes' | 'limits'>): number {
  return description.memoryBytes ?? description.limits.memoryBytes ?? 0
}

/** What a node must be to be given the job, beside having the room: the user's `where`, and what the description needs. */
export function requirementOf(description: Pick<JobDescription, 'where' | 'isolate'>): string {
  return description.isolate === undefined
    ? description.where
    : `(${description.where}\n) && ${ISOLATION_ATTRIBUTE} == true`
}

/** What a node that can isolate units says of itself. */
export const ISOLATION_ATTRIBUTE = 'Isolation'

function readRun(job: FieldReader): string | readonly string[] | undefined {
  const value = job.take('run')
  if (value === undefined) return undefined
  if (Array.isArray(value)) {
    const words = job.texts('run', { countMax: ARGUMENTS_COUNT_MAX, charsMax: RUN_CHARS_MAX })
    if (words.length === 0 || words[0] === '') throw malformedJob(['run'], '`run` names no program')
    if (words.reduce((sum, word) => sum + word.length, 0) > RUN_CHARS_MAX)
      throw malformedJob(['run'], `\`run\` has more than ${RUN_CHARS_MAX} characters`)
    return words
  }
  const text = job.text('run', RUN_CHARS_MAX)!
  if (text.trim() === '') throw malformedJob(['run'], '`run` is empty')
  return text
}

function readEnv(job: FieldReader): Record<string, string> {
  const env: Record<string, string> = {}
  const table = job.table('env')
  if (!table) return env
  const names = table.names()
  if (names.length > ENV_COUNT_MAX) throw malformedJob(['env'], `more than ${ENV_COUNT_MAX} variables`)
  let charsLeft = ENV_CHARS_MAX
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === '__proto__')
      throw malformedJob(['env', name], `\`${name}\` is no name for an environment variable`)
    if (name.startsWith('ROOST_')) throw malformedJob(['env', name], 'variables `ROOST_...` are set by roost itself')
    const value = table.scalar(name, ENV_CHARS_MAX)
    charsLeft -= name.length + value.length
    if (charsLeft < 0) throw malformedJob(['env'], `more than ${ENV_CHARS_MAX} characters of variables`)
    env[name] = value
  }
  return env
}

function readLabels(job: FieldReader): Record<string, string> {
  const labels: Record<string, string> = {}
  const table = job.table('labels')
  const names = table?.names() ?? []
  if (names.length > LABELS_COUNT_MAX) throw malformedJob(['labels'], `more than ${LABELS_COUNT_MAX} labels`)
  for (const name of names) {
    if (!isLabelName(name)) throw malformedJob(['labels', name], `a label's name is ${LABEL_NAME_WORDS}`)
    labels[name] = table!.scalar(name, LABEL_VALUE_CHARS_MAX)
    if (/[\n\r]/.test(labels[name])) throw malformedJob(['labels', name], 'a label is one line')
  }
  return labels
}

export function isLabelName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(name)
}

export const LABEL_NAME_WORDS = 'up to 63 letters, digits, `.`, `_`, `/` and `-`, beginning with a letter or digit'

function readLimits(job: FieldReader): JobDescription['limits'] {
  const limits = job.table('limits')
  if (!limits) return {}
  const timeMs = limits.quantity('time', parseDurationMs, 'a duration such as `2h` or `1h30m`')
  const memoryBytes = limits.quantity('memory', parseBytes, 'a size such as `8GiB`')
  const processesCount = limits.count('processes', PROCESSES_MAX)
  limits.refuseOthers({ cpu: 'CPU time limits', disk: 'disk limits' })
  if (timeMs !== undefined && (timeMs === 0 || timeMs > TIME_LIMIT_MS_MAX))
    throw malformedJob(['limits', 'time'], 'a time limit is more than nothing and at most 366 days')
  if (memoryBytes === 0) throw malformedJob(['limits', 'memory'], 'a memory limit is more than nothing')
  return {
    ...(timeMs !== undefined && { timeMs }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(processesCount !== undefined && { processesCount }),
  }
}

function readIsolation(job: FieldReader): Isolation | undefined {
  const value = job.take('isolate')
  if (value === undefined || value === false) return undefined
  if (value === true) return { network: false }
  if (typeof value !== 'object' || value === null)
    throw malformedJob(['isolate'], 'true, false or `{ network: true }` is expected here')
  const table = job.table('isolate')!
  const network = table.take('network') ?? false
  table.refuseOthers({})
  if (typeof network !== 'boolean') throw malformedJob(['isolate', 'network'], 'true or false is expected here')
  return { network }
}

function readStage(job: FieldReader): JobDescription['stage'] {
  const stage = job.table('stage')
  if (!stage) return { in: [], out: [] }
  const bounds = { countMax: STAGE_COUNT_MAX, charsMax: PATH_CHARS_MAX }
  const read = { in: stage.paths('in', bounds), out: stage.paths('out', bounds) }
  stage.refuseOthers({})
  const twice = read.in.findIndex((name, index) => read.in.indexOf(name) !== index)
  if (twice !== -1) throw malformedJob(['stage', 'in', twice], `\`${read.in[twice]}\` is named twice`)
  return read
}

function nameOf(run: string | readonly string[]): string {
  const word = (typeof run === 'string' ? run.trim().split(/\s+/, 1)[0] : run[0]) ?? ''
  const base = word.slice(word.lastIndexOf('/') + 1).replaceAll(/[^\p{L}\p{N}._-]/gu, '')
  return base.slice(0, NAME_CHARS_MAX) || 'job'
}
