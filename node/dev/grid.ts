import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { asRoostError, RoostError } from '../../overlay/index.ts'
import {
  describeProcess,
  requestInvite,
  socketFetch,
  startDaemon,
  stopDaemon,
  waitUntilGone,
  type ProcessIdentity,
} from '../client/index.ts'
import type { Environment } from '../config/index.ts'
import { SOCKET_NAME } from '../data/index.ts'
import { compileCacheVariable } from './compile-cache.ts'
import { isRunning, noteDaemon, readGrid, writeGrid, type DevDaemon, type DevGrid } from './grid-file.ts'
import { endUnits } from './leftovers.ts'

/** What a dev grid is made with. */
export interface DevTools {
  /** The script that Node.js runs for `roost`. */
  readonly entry: string
  readonly env: Environment
  /** More settings of all daemons, as a configuration file has them. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Gives up; daemons that were started are ended. */
  readonly signal: AbortSignal
  progress(text: string): void
}

/** More daemons than this are for the simulator: each is a process with some 120 MB. */
export const DAEMON_COUNT_MAX = 64

/** How many start at the same time: starting takes two seconds of one core, and more than cores only keep the others waiting. */
const STARTS_AT_ONCE = Math.min(4, availableParallelism())

/** All daemons are on one machine, and asking thirty programs for their versions takes longer than the rest of a start. */
const SOFTWARE = ['bash', 'awk', 'perl', 'python3']

/** How often a daemon asks to be let in, where nobody answers in time. */
const JOIN_TRIES_COUNT = 5
const SLOW_CODES: readonly string[] = ['PEER_UNREACHABLE', 'CALL_TIMEOUT', 'CONNECTION_LOST']

/** A ticket is used within a minute of being made. */
const TICKET_TTL_MS = 600_000

/**
 * Starts a grid of `count` daemons, each a process with its own key and data directory, on loopback and on ports that the
 * system chooses. The first makes the grid, the others join it with tickets. The user is one of the grid's own, so that
 * nothing of the real user's is touched. `CONFLICT` where one runs in `dir` already.
 */
export async function startGrid(dir: string, count: number, tools: DevTools): Promise<DevGrid> {
  await refuseRunning(dir)
  await prepare(dir, tools)
  const daemons: DevDaemon[] = []
  const waiting = Array.from({ length: count - 1 }, (_, index) => index + 2)
  try {
    daemons.push(await start(dir, 1, ['--grid', 'dev'], tools))
    await writeGrid(dir, { version: 1, daemons })
    tools.progress(`1 of ${count} daemons is up and has made the grid`)
    const work = async (): Promise<void> => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
        const daemon = await startJoining(dir, number, daemons[0]!, tools)
        // After each, so that an interrupted start leaves nothing running that `dev down` does not know.
        await noteDaemon(dir, daemon)
        daemons.push(daemon)
        tools.progress(`${daemons.length} of ${count} daemons are up`)
      }
    }
    const workers = Array.from({ length: STARTS_AT_ONCE }, async () => {
      try {
        await work()
      } catch (error) {
        waiting.length = 0
        throw error
      }
    })
    for (const result of await Promise.allSettled(workers)) if (result.status === 'rejected') throw result.reason
    return await requireGrid(dir)
  } catch (error) {
    await stopGrid(dir, tools).catch(() => {})
    throw error
  }
}

/** Ends daemon number `number` with SIGKILL, as a power cut would, and resolves when it is gone. */
export async function killDaemon(dir: string, number: number): Promise<DevDaemon> {
  const daemon = await daemonOf(dir, number)
  if (!isRunning(daemon))
    throw new RoostError('CONFLICT', `daemon ${number} does not run`, { hint: restartHint(number) })
  process.kill(daemon.process.pid, 'SIGKILL')
  await waitUntilGone(daemon.process)
  return daemon
}

/** Starts daemon number `number` again with what it has on disk; one that still runs is stopped first. */
export async function restartDaemon(dir: string, number: number, tools: DevTools): Promise<DevDaemon> {
  const before = await daemonOf(dir, number)
  if (isRunning(before)) await stop(before, tools)
  const daemon = await start(dir, number, [], tools)
  await noteDaemon(dir, daemon)
  return daemon
}

/**
 * Puts a new machine in the place of daemon number `number`: what that one had is gone, its key too, and another joins the grid. The first
 * daemon, which holds the grid's authority, gives the ticket and cannot be replaced itself.
 */
export async function replaceDaemon(dir: string, number: number, tools: DevTools): Promise<DevDaemon> {
  const before = await daemonOf(dir, number)
  const authority = await daemonOf(dir, 1)
  if (number === authority.number) throw new RoostError('CONFLICT', 'daemon 1 holds the authority of the grid')
  if (isRunning(before)) await stop(before, tools)
  await rm(before.dataDir, { recursive: true, force: true })
  const daemon = await startJoining(dir, number, authority, tools)
  await noteDaemon(dir, daemon)
  return daemon
}

/** Ends every daemon of the grid and removes what the grid left; other files in `dir` stay. Resolves with how many ran. */
export async function stopGrid(dir: string, tools: Pick<DevTools, 'signal'>): Promise<number> {
  const grid = await requireGrid(dir)
  const running = grid.daemons.filter(isRunning)
  await Promise.all(running.map((daemon) => stop(daemon, tools)))
  await endUnits(dir)
  await clear(dir, grid)
  return running.length
}

async function start(dir: string, number: number, args: readonly string[], tools: DevTools): Promise<DevDaemon> {
  const dataDir = join(dir, String(number))
  const name = `dev-${number}`
  const { pid, status } = await startDaemon({
    entry: tools.entry,
    args: ['--config', configFile(dir), '--name', name, ...args],
    env: daemonEnvironment(tools.env),
    dataDir,
    signal: tools.signal,
  })
  const identity: ProcessIdentity = describeProcess(pid) ?? { pid, started: 'ended' }
  return { number, id: status.id, name, address: status.addresses[0] ?? '', dataDir, process: identity }
}

/** A machine that is busy starting many is slow to answer some of them: they ask again, each time with a ticket of its own. */
async function startJoining(dir: string, number: number, authority: DevDaemon, tools: DevTools): Promise<DevDaemon> {
  for (let triesLeft = JOIN_TRIES_COUNT - 1; ; triesLeft--) {
    try {
      return await start(dir, number, ['--join', await ticket(dir, authority, tools)], tools)
    } catch (thrown) {
      const { code } = asRoostError(thrown)
      if (triesLeft === 0 || !SLOW_CODES.includes(code)) throw thrown
      tools.progress(`daemon ${number} was not let in in time, and tries again`)
      // What it has is a key, and perhaps credentials of a ticket whose answer came too late: it begins anew.
      await rm(join(dir, String(number)), { recursive: true, force: true })
    }
  }
}

/** The settings of the user who tries something out are not those of the grid that it is tried on. */
function daemonEnvironment(env: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('ROOST_') || name === 'ROOST_BUILT')
  return { ...Object.fromEntries(kept), ...compileCacheVariable() }
}

async function stop(daemon: DevDaemon, tools: Pick<DevTools, 'signal'>): Promise<void> {
  try {
    await stopDaemon(fetchOf(daemon, tools.signal), '/shutdown')
  } catch {
    // It does not answer, or not in time. It is one of ours, and what is acknowledged is on its disk.
    if (isRunning(daemon)) process.kill(daemon.process.pid, 'SIGKILL')
    await waitUntilGone(daemon.process)
  }
}

async function ticket(dir: string, authority: DevDaemon, tools: DevTools): Promise<string> {
  const reply = await requestInvite(userDir(dir), fetchOf(authority, tools.signal), { ttlMs: TICKET_TTL_MS })
  return reply.ticket
}

function fetchOf(daemon: DevDaemon, signal: AbortSignal): ReturnType<typeof socketFetch> {
  const unreachableHint = restartHint(daemon.number)
  return socketFetch(join(daemon.dataDir, SOCKET_NAME), { signal, unreachableHint })
}

async function refuseRunning(dir: string): Promise<void> {
  const grid = await readGrid(dir)
  const running = grid?.daemons.filter(isRunning) ?? []
  if (running.length > 0)
    throw new RoostError('CONFLICT', `a dev grid with ${running.length} running daemons is in ${dir} already`, {
      data: { dir, running: running.map((daemon) => daemon.number) },
      hint: '`roost nodes` shows it; `roost dev down` ends it',
    })
  if (grid) {
    await endUnits(dir)
    await clear(dir, grid)
  }
  const others = await readdir(dir).catch(() => [])
  if (others.length > 0)
    throw new RoostError('CONFLICT', `${dir} is not empty and holds no dev grid`, {
      hint: 'set ROOST_DEV_DIR to an empty or new directory',
    })
}

async function prepare(dir: string, { settings }: DevTools): Promise<void> {
  const config = { user: userDir(dir), listen: ['127.0.0.1'], port: 0, 'api-port': 0, software: SOFTWARE, ...settings }
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    // JSON is YAML.
    await writeFile(configFile(dir), `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
    await writeGrid(dir, { version: 1, daemons: [] })
  } catch (cause) {
    throw new RoostError('DIRECTORY_UNWRITABLE', `cannot write in ${dir}: ${(cause as Error).message}`, {
      cause,
      hint: 'set ROOST_DEV_DIR to a directory of yours',
    })
  }
}

/** Removes what `startGrid` made, by name, and the directory where nothing else is in it. */
async function clear(dir: string, grid: DevGrid): Promise<void> {
  const started = grid.daemons.map((daemon) => String(daemon.number))
  const numbered = (await readdir(dir)).filter((name) => /^\d{1,3}$/.test(name))
  for (const name of new Set([...started, ...numbered, 'user', 'config.yaml', 'last.json', 'grid.json']))
    await rm(join(dir, name), { recursive: true, force: true })
  await rmdir(dir).catch(() => {})
}

async function requireGrid(dir: string): Promise<DevGrid> {
  const grid = await readGrid(dir)
  if (grid) return grid
  throw new RoostError('DAEMON_UNREACHABLE', `there is no dev grid in ${dir}`, {
    hint: 'start one: `roost dev up -n 3`',
  })
}

async function daemonOf(dir: string, number: number): Promise<DevDaemon> {
  const grid = await requireGrid(dir)
  const daemon = grid.daemons.find((other) => other.number === number)
  if (daemon) return daemon
  throw new RoostError('NODE_NOT_FOUND', `the dev grid has no daemon ${number}`, {
    hint: `its daemons are ${grid.daemons.map((other) => other.number).join(', ')}`,
  })
}

function userDir(dir: string): string {
  return join(dir, 'user')
}

function configFile(dir: string): string {
  return join(dir, 'config.yaml')
}

function restartHint(number: number): string {
  return `start it again: \`roost dev restart ${number}\``
}
