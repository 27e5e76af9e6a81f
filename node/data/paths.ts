import { join } from 'node:path'

/** What the places depend on. */
export interface PathEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The numeric user id; undefined where the system has none. */
  readonly uid?: number | undefined
}

/** Where a daemon that serves the whole machine keeps its data. */
const SYSTEM_DATA_DIRECTORY = '/var/lib/roost'
/** Where the machine's configuration lies; a user's own comes before it. */
export const SYSTEM_CONFIG_DIRECTORY = '/etc/roost'

/**
 * The data directory: what was asked for, then `ROOST_DATA`, then `$XDG_DATA_HOME/roost`, then `~/.local/share/roost`. A
 * service runs without a home, and has `/var/lib/roost`. Relative paths in the XDG variables are ignored, as the
 * XDG Base Directory Specification asks.
 */
export function dataDirectoryPath(asked?: string, from: PathEnvironment = ofProcess()): string {
  return asked || from.env['ROOST_DATA'] || inHome(from, 'XDG_DATA_HOME', '.local/share') || SYSTEM_DATA_DIRECTORY
}

/**
 * The user's configuration directory, where the user's key lies: what was asked for, then `ROOST_CONFIG_DIR`, then
 * `$XDG_CONFIG_HOME/roost`, then `~/.config/roost`, and `/etc/roost` for a service without a home.
 */
export function configDirectoryPath(asked?: string, from: PathEnvironment = ofProcess()): string {
  return asked || from.env['ROOST_CONFIG_DIR'] || inHome(from, 'XDG_CONFIG_HOME', '.config') || SYSTEM_CONFIG_DIRECTORY
}

function inHome({ env, uid }: PathEnvironment, variable: string, fallback: string): string | undefined {
  const base = env[variable]
  if (base?.startsWith('/')) return join(base, 'roost')
  // systemd and containers give root the home `/`, which is nobody's home.
  const home = env['HOME']
  if (!home?.startsWith('/') || (home === '/' && uid === 0)) return undefined
  return join(home, fallback, 'roost')
}

function ofProcess(): PathEnvironment {
  return { env: process.env, uid: process.getuid?.() }
}
