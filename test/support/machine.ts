import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { socketFetch } from '../../node/client/index.ts'
import { SOCKET_NAME } from '../../node/data/index.ts'

/** Commands of a test end within this; a command that hangs fails its test and not the run. */
const COMMAND_MS_MAX = 40_000
/** A daemon starts in a second or two; several at once, on a machine that others use, take turns. */
const START_MS_MAX = 90_000

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const launcher = join(import.meta.dirname, '../../roost')

/**
 * A machine of a test: a home of its own with data, user and configuration directories, on which the real command line runs
 * and starts the real daemon, on loopback.
 */
export class Machine {
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  /** Errors that nobody in the daemons caught: each is a mistake of ours. */
  uncaughtCount = 0
  readonly #daemons = new Set<ChildProcess>()

  readonly #command: readonly string[]

  /** `through`: a command that runs what is written after it, as somewhere else in the network. */
  constructor(settings: Readonly<Record<string, string>> = {}, through: readonly string[] = []) {
    this.#command = [...through, launcher]
    this.home = mkdtempSync(join(tmpdir(), 'roost-test-'))
    this.env = {
      PATH: process.env['PATH'],
      HOME: this.home,
      ROOST_DATA: join(this.home, 'data'),
      ROOST_LISTEN: '127.0.0.1',
      ROOST_PORT: '0',
      ROOST_API_PORT: '0',
      ...settings,
    }
  }

  get dataDir(): string {
    return this.env['ROOST_DATA']!
  }

  /** The user's key and certificates. */
  get userDir(): string {
    return join(this.home, '.config', 'roost')
  }

  /** What stands in the configuration file. */
  configure(yaml: string): void {
    mkdirSync(this.userDir, { recursive: true })
    writeFileSync(join(this.userDir, 'config.yaml'), yaml)
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Outcome> {
    return this.runWith({}, ...args)
  }

  runWith(options: { stdin?: string; onSpawn?: (child: ChildProcess) => void }, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const [program, ...before] = this.#command
      const child = spawn(program!, [...before, ...args], {
        env: this.env,
        cwd: this.home,
        stdio: 'pipe',
        timeout: COMMAND_MS_MAX,
        killSignal: 'SIGKILL',
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      child.once('error', reject)
      child.once('close', (status) => resolve({ status, stdout, stderr }))
      child.stdin.on('error', () => {})
      child.stdin.end(options.stdin ?? '')
      options.onSpawn?.(child)
    })
  }

  /** The one document that a command gives with `--json`; a command that fails throws what it said. */
  async json(...args: string[]): Promise<any> {
    const { status, stdout, stderr } = await this.run('--json', ...args)
    if (status !== 0) throw new Error(`roost ${args.join(' ')} ended with ${status}: ${stderr}`)
    return JSON.parse(stdout)
  }

  /** JSON from the daemon's own routes, over its socket: what a test asks again and again costs no process. */
  async ask(path: string, body?: unknown): Promise<any> {
    const fetch = socketFetch(join(this.dataDir, SOCKET_NAME), {
      signal: AbortSignal.timeout(COMMAND_MS_MAX),
      unreachableHint: '',
    })
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? undefined : { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(path, init)).json()
  }

  /** Starts the daemon, in a process that this test owns, and waits until it is ready. */
  async up(...args: string[]): Promise<ChildProcess> {
    const [program, ...before] = this.#command
    const child = spawn(program!, [...before, 'up', ...args], {
      env: this.env,
      cwd: this.home,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#daemons.add(child)
    let log = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.uncaughtCount += text.split('uncaught error').length - 1
      log = (log + text).slice(-20_000)
    })
    const ended = new Promise<never>((_, reject) =>
      child.once('close', (status) => reject(new Error(`the daemon ended with ${status}:\n${log}`))),
    )
    ended.catch(() => {})
    await Promise.race([this.#ready(), ended])
    return child
  }

  /** Waits for the process that `up` gave to be gone. */
  async kill(daemon: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return
    const gone = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill(signal)
    await gone
    this.#daemons.delete(daemon)
  }

  async end(): Promise<void> {
    for (const daemon of this.#daemons) await this.kill(daemon)
    rmSync(this.home, { recursive: true, force: true })
  }

  async #ready(): Promise<void> {
    await until(
      'the daemon answers',
      async () => {
        try {
          await this.ask('/status')
          return true
        } catch {
          return false
        }
      },
      START_MS_MAX,
    )
  }
}

/** Waits for something that real processes do, with a bound; asks again and again, since there is no event to wait for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, limitMs = 30_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  for (;;) {
    if (await holds()) return
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
