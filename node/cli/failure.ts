import type { Writable } from 'node:stream'
import { asRoostError, EXIT, RoostError } from '../../overlay/index.ts'
import { printable } from './printable.ts'

export interface FailureOptions {
  readonly json: boolean
  /** Adds the stack and the causes. */
  readonly verbose: boolean
}

/**
 * Tells of a failure on stderr, in one line that says what happened and one that says what to do; with `--json` as one line
 * with the error's record. Returns the command's exit status.
 */
export function reportFailure(thrown: unknown, stderr: Writable, { json, verbose }: FailureOptions): number {
  if (thrown instanceof QuietExit) return thrown.status
  const error = isAbort(thrown) ? new RoostError('CANCELLED', 'interrupted', { cause: thrown }) : asRoostError(thrown)
  if (json) stderr.write(`${JSON.stringify(error)}\n`)
  else stderr.write(`${printable(describeFailure(error))}\n`)
  if (verbose && !json) stderr.write(`${printable(stackOf(error))}\n`)
  return error.exitCode
}

/** What Node's own functions throw after ctrl-c. */
function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError'
}

function describeFailure(error: RoostError): string {
  const doubt = error.certain || error.code === 'INTERNAL' ? '' : '; it may have happened all the same'
  const caret = caretUnder(error)
  return [`roost: ${error.message} (${error.code}${doubt})`, ...(caret ? [caret] : []), error.hint].join('\n')
}

/** The line of the input with a mark under the column, where the error brings its input along. */
function caretUnder(error: RoostError): string | undefined {
  const source = error.data?.['source']
  if (typeof source !== 'string' || error.column === undefined) return undefined
  const line = source.split('\n')[(error.line ?? 1) - 1]
  // Under an empty line a mark says nothing.
  if (line === undefined || line.trim() === '') return undefined
  const start = Math.max(0, error.column - 1 - CARET_CONTEXT_CHARS)
  const shown = line.slice(start, start + 2 * CARET_CONTEXT_CHARS).replace(/\t/g, ' ')
  return `  ${shown}\n  ${' '.repeat(error.column - 1 - start)}^`
}

/** How much of a long line is shown on either side of its mark. */
const CARET_CONTEXT_CHARS = 60

function stackOf(error: Error): string {
  const stack = error.stack ?? error.message
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack
}

/** Ends a command with a status when everything has been said: a job's own exit status, a failed check. */
export class QuietExit extends Error {
  readonly status: number

  constructor(status: number) {
    super(`exit status ${status}`)
    this.status = status
  }
}

/** What commander throws, as ours: its messages begin with `error: ` and may end with a suggestion in brackets. */
export function fromCommander(
  error: { readonly code: string; readonly message: string; readonly exitCode: number },
  command: string,
): Error {
  if (error.exitCode === EXIT.ok) return new QuietExit(EXIT.ok)
  if (error.code === 'commander.help') return new QuietExit(EXIT.usage)
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /\((Did you mean .*)\)/.exec(rest.join(' '))?.[1]
  return new RoostError('USAGE', first, {
    hint: suggestion ? `d${suggestion.slice(1)}` : `see \`roost help${command && ` ${command}`}\``,
  })
}
