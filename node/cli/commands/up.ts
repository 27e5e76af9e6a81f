import { resolve } from 'node:path'
import { asRoostError, EXIT, parseTicket, RoostError } from '../../../overlay/index.ts'
import { makeDataDir, startDaemon, type StartedDaemon } from '../../client/index.ts'
import { LOG_NAME } from '../../data/index.ts'
import type { SettingKey, Settings } from '../../config/index.ts'
import { QuietExit } from '../failure.ts'
import type { Flags } from '../action.ts'
import { tellAddresses } from '../addresses.ts'
import { isDataExplicit, type Session } from '../session.ts'

/** `roost up`: the daemon in the foreground until ctrl-c, or detached. */
export async function up(session: Session, _args: readonly string[], flags: Flags): Promise<void> {
  const settings = await ownSettings(session, flags)
  // Before anything is made or started.
  if (typeof flags['join'] === 'string') parseTicket(flags['join'])
  if (flags['detach']) {
    tellOfStart(session, await startDetached(session, settings, flags))
    return
  }
  makeDataDir(settings.dataDir)
  const status = await tellStarter(() =>
    session.host.runDaemon({
      ...settings,
      ...(typeof flags['join'] === 'string' && { ticket: flags['join'] }),
      ...(typeof flags['grid'] === 'string' && { gridName: flags['grid'] }),
      logFormat: process.stderr.isTTY ? 'pretty' : 'json',
    }),
  )
  if (status !== EXIT.ok) throw new QuietExit(status)
}

/** Starts `roost up` with the same flags as a process of its own, and waits until it answers. */
export async function startDetached(session: Session, settings: Settings, flags: Flags): Promise<StartedDaemon> {
  const { host, globals, signal } = session
  session.output.progress('starting the daemon')
  return startDaemon({
    entry: host.entry,
    args: [
      ...given(flags, ['join', 'grid', ...SETTING_FLAGS]).flatMap(([name, text]) => [`--${name}`, text]),
      // The daemon does not run in this directory.
      ...(globals.config === undefined ? [] : ['--config', resolve(globals.config)]),
      ...(globals.verbose ? ['--verbose'] : []),
    ],
    env: process.env,
    dataDir: settings.dataDir,
    signal,
  })
}

/** The flags that are settings too. */
const SETTING_FLAGS = ['name', 'listen', 'port', 'api-port', 'log-level'] as const satisfies readonly SettingKey[]

/** This machine's own daemon: a dev grid has commands of its own to start its daemons. */
export async function ownSettings(session: Session, flags: Flags): Promise<Settings> {
  if (session.host.env['ROOST_DEV_DIR'] && !isDataExplicit(session.globals, session.host.env))
    throw new RoostError('USAGE', 'ROOST_DEV_DIR is set: this shell works with a dev grid', {
      hint: '`roost dev up` starts a dev grid and `roost dev restart K` one of its daemons; else unset ROOST_DEV_DIR',
    })
  return session.settings(Object.fromEntries(given(flags, SETTING_FLAGS)))
}

/** Those of the flags that were given, with their texts. commander has their names in camel case. */
function given<Name extends string>(flags: Flags, names: readonly Name[]): [Name, string][] {
  return names.flatMap((name): [Name, string][] => {
    const text = flags[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
    return typeof text === 'string' ? [[name, text]] : []
  })
}

export function tellOfStart({ output }: Session, { pid, status }: StartedDaemon): void {
  output.document({
    id: status.id,
    name: status.name,
    pid,
    dataDir: status.dataDir,
    addresses: status.addresses,
    grid: status.grid,
  })
  output.line(`node     ${status.name} (${status.id})`)
  output.line(`grid     ${status.grid.name} (${status.grid.fingerprint.slice(0, 16)})`)
  tellAddresses(output, status.addresses, 9)
  output.line(`log      ${status.dataDir}/${LOG_NAME}`)
}

/** Whoever started this process and has a channel to it learns why it failed, as data (`startDaemon` listens). */
async function tellStarter(run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    if (process.send) await new Promise((resolve) => process.send!(asRoostError(error).toJSON(), resolve))
    throw error
  }
}
