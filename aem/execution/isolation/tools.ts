import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { NETWORK_PATHS, SYSTEM_PATHS, type IsolatedView, type UnitUser } from './isolator.ts'

/** The programs that isolation is made with, by their paths: a job's PATH must not choose among them. */
export interface Tools {
  readonly bwrap: string | undefined
  readonly unshare: string | undefined
  readonly setpriv: string | undefined
  readonly env: string
}

export function findTools(path: string): Tools | undefined {
  const find = (name: string): string | undefined =>
    path
      .split(':')
      .filter((directory) => directory.startsWith('/usr/') || directory.startsWith('/bin') || directory === '/sbin')
      .concat('/usr/bin', '/bin', '/usr/sbin', '/sbin')
      .map((directory) => join(directory, name))
      .find(isExecutable)
  const env = find('env')
  return env === undefined
    ? undefined
    : { bwrap: find('bwrap'), unshare: find('unshare'), setpriv: find('setpriv'), env }
}

/** What is seen of the system: directories, and links with where they lead. */
export function systemEntries({ hasNetwork }: Pick<IsolatedView, 'hasNetwork'>): {
  directories: string[]
  links: { readonly path: string; readonly target: string }[]
} {
  const directories: string[] = []
  const links: { path: string; target: string }[] = []
  for (const path of [...SYSTEM_PATHS, ...(hasNetwork ? NETWORK_PATHS : [])]) {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) directories.push(path)
    else if (stat?.isSymbolicLink()) links.push({ path, target: readlinkSync(path) })
  }
  return { directories, links }
}

/** Gives up the daemon's user and privileges, for good. */
export function asUser(setpriv: string, { uid, gid }: UnitUser): string[] {
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--inh-caps=-all']
}

/**
 * Where the command starts, and with its signals as usual, which the wrapper ignores. Only the unit's user may surely enter its sandbox. GNU env
 * does this (coreutils 8.31).
 */
export function asCommand(env: string, cwd: string): string[] {
  return [env, `--chdir=${cwd}`, '--default-signal']
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
