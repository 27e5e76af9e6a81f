import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fetch } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import { socketFetch } from '../client/index.ts'
import { SOCKET_NAME } from '../data/index.ts'
import { compileCacheVariable } from './compile-cache.ts'
import type { DevTools } from './grid.ts'

/** No command of the demonstration takes longer. */
const COMMAND_MS_MAX = 30_000

const POLL_MS = 100

/** Types commands at a dev grid, as a user would, and shows what they print. */
export class DemoShell {
  readonly line: (text: string) => void
  readonly #tools: DevTools
  readonly #dir: string
  readonly #fetch: Fetch
  readonly #startedAtMs = performance.now()

  constructor(dir: string, tools: DevTools, line: (text: string) => void) {
    this.#dir = dir
    this.#tools = tools
    this.line = line
    this.#fetch = socketFetch(join(dir, '1', SOCKET_NAME), {
      signal: tools.signal,
      unreachableHint: 'daemon 1 is gone',
    })
  }

  /** One line of progress, with the seconds since the beginning. */
  step(text: string): void {
    const seconds = (performance.now() - this.#startedAtMs) / 1000
    this.line(`[${seconds.toFixed(1).padStart(5)} s] ${text}`)
  }

  /** Runs `roost` with these arguments, shows the command and its output, and gives what it printed. */
  async roost(...args: readonly string[]): Promise<string> {
    this.line(`$ roost ${args.map((arg) => (/[^\w@./:-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`)
    return this.#run(args, (text) => this.line(`  ${text}`))
  }

  /** The same with `--json`, and shows nothing. */
  async roostJson<Reply>(...args: readonly string[]): Promise<Reply> {
    return JSON.parse(await this.#run([...args, '--json'], () => {})) as Reply
  }

  async get<Reply>(path: string): Promise<Reply> {
    return (await (await this.#fetch(path)).json()) as Reply
  }

  check(isSo: boolean, what: string): void {
    if (!isSo) throw new RoostError('INTERNAL', `the demonstration failed: expected that ${what}`)
  }

  /** Waits until it is so, or fails after `deadlineMs`. */
  async until(deadlineMs: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + deadlineMs
    while (!(await isSo())) {
      this.check(performance.now() < endMs, `to see ${what} within ${deadlineMs / 1000} s`)
      await sleep(POLL_MS, undefined, { signal: this.#tools.signal })
    }
  }

  #run(args: readonly string[], show: (line: string) => void): Promise<string> {
    const signal = AbortSignal.any([this.#tools.signal, AbortSignal.timeout(COMMAND_MS_MAX)])
    const child = spawn(process.execPath, [...process.execArgv, this.#tools.entry, ...args], {
      env: { ...this.#tools.env, ...compileCacheVariable(), ROOST_DEV_DIR: this.#dir },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    })
    let printed = ''
    let errors = ''
    let unfinished = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      const lines = (unfinished + text).split('\n')
      unfinished = lines.pop()!
      for (const line of lines) show(line)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    return new Promise((resolve, reject) => {
      child.on('error', (cause) => {
        if (this.#tools.signal.aborted) reject(new RoostError('CANCELLED', 'interrupted', { cause }))
        else
          reject(
            new RoostError('TIMEOUT', `\`roost ${args.join(' ')}\` took more than ${COMMAND_MS_MAX} ms`, { cause }),
          )
      })
      child.on('close', (status) => {
        if (unfinished) show(unfinished)
        if (status === 0) resolve(printed)
        else
          reject(
            new RoostError(
              'INTERNAL',
              `\`roost ${args.join(' ')}\` ended with status ${status}: ${errors.trim() || 'no word'}`,
            ),
          )
      })
    })
  }
}
