import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorFromRecord, RoostError } from '../../overlay/index.ts'
import type { Status } from '../surface/index.ts'
import { LOG_NAME, SOCKET_NAME } from '../data/index.ts'
import { socketFetch } from './socket-fetch.ts'

export interface StartOptions {
  /** The script that Node.js runs: the one that runs now. */
  readonly entry: string
  /** The flags of `roost up`, but for `--data` and `--detach`. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly dataDir: string
  /** Gives up waiting; the daemon is then ended. */
  readonly signal: AbortSignal
}

export interface StartedDaemon {
  readonly pid: number
  readonly status: Status
}

/**
 * How long a daemon may take until it answers. It makes keys, joins and listens; most are there within two seconds, and one of forty
 * on a busy machine within a minute.
 */
const READY_MS_MAX = 180_000

/** How often it is asked whether it is ready. */
const POLL_MS = 25

/**
 * Either half of the young generation, in MiB. V8 lets them grow to 32 while a daemon starts, and what they grew to stays
 * resident. Smaller ones are collected more often: at 4, a saturated daemon needs a quarter more CPU.
 */
const YOUNG_HALF_MIB_MAX = 8

/**
 * Starts a daemon in a session of its own, so that it outlives this process and its terminal, and resolves when it answers.
 * What it fails with is thrown here as it is; when it says nothing, that is `DAEMON_START_FAILED`.
 */
export async function startDaemon(options: StartOptions): Promise<StartedDaemon> {
  const logFile = join(options.dataDir, LOG_NAME)
  const log = openLog(options.dataDir, logFile)
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      `--max-semi-space-size=${YOUNG_HALF_MIB_MAX}`,
      options.entry,
      'up',
      '--data',
      options.dataDir,
      ...options.args,
    ],
    { detached: true, stdio: ['ignore', log, log, 'ipc'], env: options.env, cwd: '/' },
  )
  closeSync(log)
  try {
    return await ready(child, options, logFile)
  } catch (error) {
    if (child.exitCode === null) child.kill('SIGTERM')
    throw error
  } finally {
    child.removeAllListeners()
    if (child.connected) child.disconnect()
    child.unref()
  }
}

/** The daemon is told to send its error over the channel that it has with us (`up` does); its log has the rest. */
async function ready(child: ChildProcess, options: StartOptions, logFile: string): Promise<StartedDaemon> {
  let failure: RoostError | undefined
  let hasEnded = false
  child.on('message', (message) => (failure ??= errorFromRecord(message)))
  child.on('error', (cause) => {
    failure ??= new RoostError('DAEMON_START_FAILED', `cannot run ${process.execPath}: ${cause.message}`, { cause })
    hasEnded = true
  })
  // `close`, not `exit`: by then the channel has given all that was sent.
  child.on('close', () => (hasEnded = true))

  const hint = `its log says why: ${logFile}`
  const deadlineMs = performance.now() + READY_MS_MAX
  while (!hasEnded) {
    const status = await askStatus(options)
    if (status?.pid === child.pid && status) return { pid: status.pid, status }
    if (options.signal.aborted) throw new RoostError('CANCELLED', 'interrupted before the daemon was ready')
    if (performance.now() > deadlineMs)
      throw new RoostError('DAEMON_START_FAILED', `the daemon was not ready after ${READY_MS_MAX / 1000} s`, { hint })
    await sleep(POLL_MS)
  }
  throw failure ?? new RoostError('DAEMON_START_FAILED', 'the daemon ended before it was ready', { hint })
}

async function askStatus({ dataDir, signal }: StartOptions): Promise<Status | undefined> {
  try {
    const response = await socketFetch(join(dataDir, SOCKET_NAME), { signal, unreachableHint: '' })('/status')
    return (await response.json()) as Status
  } catch {
    return undefined
  }
}

function openLog(dataDir: string, logFile: string): number {
  makeDataDir(dataDir)
  try {
    return openSync(logFile, 'a', 0o600)
  } catch (cause) {
    throw unwritable(dataDir, cause)
  }
}

/** Makes a data directory, for its owner alone, where there is none. `DIRECTORY_UNWRITABLE` where it cannot be made. */
export function makeDataDir(dataDir: string): void {
  try {
    makeDirectory(dataDir)
  } catch (cause) {
    throw unwritable(dataDir, cause)
  }
}

/** With its parents. Node's own recursive way never returns on file systems such as /proc, where nothing can be made. */
function makeDirectory(dir: string): void {
  if (existsSync(dir)) return
  if (!existsSync(dirname(dir))) makeDirectory(dirname(dir))
  mkdirSync(dir, { mode: 0o700 })
}

function unwritable(dataDir: string, cause: unknown): RoostError {
  return new RoostError('DIRECTORY_UNWRITABLE', `cannot write in ${dataDir}: ${(cause as Error).message}`, { cause })
}
