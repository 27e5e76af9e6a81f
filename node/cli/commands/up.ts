import { asRoostError, EXIT, parseTicket, RoostError } from '../../../overlay/index.ts'
import { LOG_NAME, makeDataDir, startDaemon, type StartedDaemon } from '../../client/index.ts'
import type { SettingKey, Settings } from '../../config/index.ts'
import { QuietExit } from '../failure.ts'
import type { Flags } from '../action.ts'
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
      ...PASSED_ON.flatMap((name) => {
        const value = flags[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
        return typeof value === 'string' ? [`--${name}`, value] : []
      }),
      ...(globals.config === undefined ? [] : ['--config', globals.config]),
      ...(globals.verbose ? ['--verbose'] : []),
    ],
    env: process.env,
    dataDir: settings.dataDir,
    signal,
  })
}

const PASSED_ON = ['join', 'grid', 'name', 'listen', 'port', 'api-port', 'log-level'] as const

/** This machine's own daemon: a dev grid has commands of its own to start its daemons. */
export async function ownSettings(session: Session, flags: Flags): Promise<Settings> {
  if (session.host.env['ROOST_DEV_DIR'] && !isDataExplicit(session.globals, session.host.env))
    throw new RoostError('USAGE', 'ROOST_DEV_DIR is set: this shell works with a dev grid', {
      hint: '`roost dev up` starts a dev grid and `roost dev restart K` one of its daemons; else unset ROOST_DEV_DIR',
    })
  const keys: readonly SettingKey[] = ['name', 'listen', 'port', 'api-port', 'log-level']
  const texts = keys.flatMap((key) => {
    const value = flags[key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
    return typeof value === 'string' ? [[key, value] as const] : []
  })
  return session.settings(Object.fromEntries(texts))
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
  output.line(`address  ${status.addresses.join(' ') || 'none'}`)
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
