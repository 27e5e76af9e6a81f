import type { Command } from 'commander'
import type { Plain } from '../env/index.ts'
import type { Fetch } from './fetch.ts'
import type { SignedStatement } from './trust.ts'

/** A plugin's part of the command line, loaded when one of its words is used. */
export interface CommandModule {
  register(program: Command, context: CommandContext): void
}

/** What a command works with. Nothing here loads the daemon's code. */
export interface CommandContext {
  /** HTTP to the daemon over its Unix socket; `DAEMON_UNREACHABLE` where none answers. A failed status is a thrown `RoostError`. */
  readonly fetch: Fetch
  /** Signs for the user. `NOT_MEMBER` where the user has no key or certificate for the daemon's grid. */
  sign(action: string, body: Plain): Promise<SignedStatement>
  readonly output: Output
  /** The ids that `@last` stands for, by kind. */
  readonly last: { get(kind: string): string | undefined; set(kind: string, id: string): void }
  /** Aborted by ctrl-c, and requests with it; one that brings a signal of its own goes by that alone. */
  readonly signal: AbortSignal
  /** Ends the command with this exit status when everything has been said: a job's own. */
  exit(status: number): never
}

/** Results on stdout, all else on stderr. */
export interface Output {
  readonly json: boolean
  /** With `--json` the one document of the command; otherwise nothing. */
  document(value: unknown): void
  /** With `--json` one line of a stream of results (NDJSON); otherwise nothing. */
  record(value: unknown): void
  /** A line of result, for people; nothing with `--json`. */
  line(text: string): void
  /** Upper-case headers, no borders; nothing with `--json`. */
  table(rows: readonly Readonly<Record<string, string | number>>[], columns: readonly string[]): void
  /** Bytes of a job's output, as they are. */
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  /** A line on stderr about what is going on. */
  progress(text: string): void
}
