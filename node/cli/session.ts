import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { CommandContext, Fetch } from '../../overlay/contract/index.ts'
import type { DaemonOptions } from '../daemon/index.ts'
import { loadSettings, type Environment, type Settings, type SettingTexts } from '../config/index.ts'
import { SOCKET_NAME } from '../data/index.ts'
import type { BuiltInPlugins } from '../host/index.ts'
import { QuietExit } from './failure.ts'
import type { Globals } from './globals.ts'
import { interruptSignal } from './interrupt.ts'
import { lastIds, type Last } from './last.ts'
import { createOutput, type Streams } from './output.ts'
import { findPlace, type Place } from './place.ts'

/** What the executable brings along, so that the command line knows neither plugins nor the daemon. */
export interface CommandLineHost extends Streams {
  /** The script that Node.js runs, for commands that start daemons. */
  readonly entry: string
  readonly version: string
  readonly env: Environment
  readonly builtInPlugins: BuiltInPlugins
  /** Runs a daemon until it ends; gives its exit status. */
  runDaemon(options: DaemonOptions): Promise<number>
  /** Runs `roost sim` with these arguments; gives its exit status. */
  runSimulator(args: readonly string[]): Promise<number>
}

/** What roost's own commands work with: what plugins get, and this machine's settings and directories. */
export interface Session extends CommandContext {
  readonly host: CommandLineHost
  readonly globals: Globals
  /** What flags, environment and files say. */
  settings(flags?: SettingTexts): Promise<Settings>
  /** The daemon that commands talk to. */
  place(): Promise<Place>
}

/** A session. Settings are read, the daemon is looked for and ctrl-c is heeded when a command first asks for them. */
export function createSession(host: CommandLineHost, globals: Globals): Session {
  const output = createOutput(host, globals)
  const settings = (flags: SettingTexts = {}): Promise<Settings> =>
    loadSettings({
      flags: { ...flags, ...(globals.data !== undefined && { data: globals.data }) },
      env: host.env,
      configFile: globals.config,
      pluginNames: Object.keys(host.builtInPlugins),
    })
  const place = once(async () =>
    findPlace(await settings(), { env: host.env, isExplicit: isDataExplicit(globals, host.env), output }),
  )
  const daemonFetch = once(async (): Promise<Fetch> => {
    const { socketFetch } = await import('../client/index.ts')
    const { dataDir, dev } = await place()
    const unreachableHint = dev ? 'start one: `roost dev up -n 3`' : 'start it: `roost up`'
    return socketFetch(join(dataDir, SOCKET_NAME), { signal: interruptSignal(), unreachableHint })
  })
  let last: Last | undefined
  return {
    host,
    globals,
    output,
    settings,
    place,
    fetch: async (input, init) => (await daemonFetch())(input, init),
    sign: async (action, body) => {
      const { signAsUser } = await import('../client/index.ts')
      return signAsUser((await place()).userDir, await daemonFetch(), { action, body })
    },
    last: {
      get: (kind) => (last ??= lastIds(lastFile(host.env))).get(kind),
      set: (kind, id) => (last ??= lastIds(lastFile(host.env))).set(kind, id),
    },
    exit: (status) => {
      throw new QuietExit(status)
    },
    get signal() {
      return interruptSignal()
    },
  }
}

/** Somebody who names a directory means that one, whatever grids there are besides. */
export function isDataExplicit(globals: Globals, env: Environment): boolean {
  return globals.data !== undefined || Boolean(env['ROOST_DATA'])
}

/** State that outlives a command but matters to nobody else (XDG Base Directory Specification); a dev grid has its own. */
function lastFile(env: Environment): string {
  if (env['ROOST_DEV_DIR']) return join(env['ROOST_DEV_DIR'], 'last.json')
  const stateHome = env['XDG_STATE_HOME']
  const home = stateHome && isAbsolute(stateHome) ? stateHome : join(env['HOME'] || homedir(), '.local', 'state')
  return join(home, 'roost', 'last.json')
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => (made ??= make())
}
