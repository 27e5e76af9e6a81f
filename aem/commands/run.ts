import { basename, isAbsolute, normalize, sep } from 'node:path'
import { asRoostError, RoostError, type Plain } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { CANCEL_ACTION, readDescription } from '../protocol/index.ts'
import { ask } from './daemon.ts'
import { encodeStatement } from './statement.ts'
import { submitDescription, type InputSource } from './submission.ts'
import { watchJob } from './watch.ts'

export interface RunOptions {
  readonly where?: string
  readonly rank?: string
  readonly nodes?: number
  readonly cores?: number
  readonly memory?: string
  readonly memoryLimit?: string
  readonly time?: string
  readonly processes?: number
  readonly isolate?: true
  readonly network?: true
  readonly name?: string
  readonly in?: readonly string[]
  readonly out?: readonly string[]
  readonly env?: readonly string[]
  readonly label?: true
}

/**
 * `roost run [options] -- CMD...`: output as it comes, exit status of the job. The first ctrl-c cancels the job and waits
 * for its end; the second ends this command alone.
 */
export async function run(context: CommandContext, words: readonly string[], options: RunOptions): Promise<void> {
  const inputs = (options.in ?? []).map(inputSource)
  const raw = descriptionFrom(words, options, inputs)
  readDescription(raw)
  const id = await submitDescription(context, { raw, inputs })
  context.output.progress(`job ${id}`)
  const leaving = new AbortController()
  const onInterrupt = async (): Promise<void> => {
    // One that cannot be cancelled might run for ever: it is left to itself.
    if (!(await cancelAfterInterrupt(context, id))) leaving.abort()
  }
  context.signal.addEventListener('abort', () => void onInterrupt(), { once: true })
  const ended = await watchJob(context, id, {
    label: options.label === true || (process.stdout.isTTY === true && (options.nodes ?? 1) > 1),
    signal: leaving.signal,
  })
  context.output.document({ id, state: ended.state, exitCode: ended.exitCode, reason: ended.reason })
  if (ended.state !== 'done') context.output.progress(`job ${id} ${ended.state}: ${ended.reason}`)
  context.exit(ended.exitCode)
}

/** What the options say, as a job file would; a field that is not given stays absent. */
export function descriptionFrom(words: readonly string[], options: RunOptions, inputs: readonly InputSource[]): Plain {
  const { out = [], env = [] } = options
  const limits = {
    ...given('time', options.time),
    ...given('memory', options.memoryLimit),
    ...given('processes', options.processes),
  }
  if (options.network && !options.isolate) throw new RoostError('USAGE', '--network goes with --isolate')
  const stage = {
    ...(inputs.length > 0 && { in: inputs.map(({ name }) => name) }),
    ...(out.length > 0 && { out }),
  }
  return {
    run: words.length === 1 ? words[0]! : words,
    ...given('name', options.name),
    ...given('where', options.where),
    ...given('rank', options.rank),
    ...given('nodes', options.nodes),
    ...given('cores', options.cores),
    ...given('memory', options.memory),
    ...(options.isolate && { isolate: options.network ? { network: true } : true }),
    ...(env.length > 0 && { env: Object.fromEntries(env.map(variable)) }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(stage).length > 0 && { stage }),
  }
}

function given(name: string, value: string | number | undefined): Readonly<Record<string, string | number>> {
  if (value === undefined) return {}
  if (Number.isNaN(value)) throw new RoostError('USAGE', `--${name} is a whole number`)
  return { [name]: value }
}

function variable(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new RoostError('USAGE', `--env ${text}: an environment variable is given as name=value`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** A file below this directory keeps its path in the sandbox; any other lies there under its own name. */
function inputSource(file: string): InputSource {
  const path = normalize(file)
  const isBelow = !isAbsolute(path) && path.split(sep)[0] !== '..'
  return { file, name: isBelow ? path.split(sep).join('/') : basename(path) }
}

async function cancelAfterInterrupt(context: CommandContext, id: string): Promise<boolean> {
  context.output.progress(`cancelling job ${id}; once more leaves without waiting for it`)
  try {
    const statement = await context.sign(CANCEL_ACTION, { jobId: id, reason: 'interrupted at the terminal' })
    const body = encodeStatement(statement)
    await ask(context, `/jobs/${id}/cancel`, { method: 'POST', body, signal: NEVER })
    return true
  } catch (thrown) {
    const error = asRoostError(thrown)
    context.output.progress(`job ${id} was not cancelled: ${error.message}; try \`roost cancel ${id}\``)
    return false
  }
}

/** Requests that go on after ctrl-c. */
const NEVER = new AbortController().signal
