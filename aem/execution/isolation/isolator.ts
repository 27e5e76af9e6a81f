/**
 * Isolation: what a unit sees of the machine. The system's programs and settings, read-only; its sandbox, at the path that it has
 * outside; an own `/tmp`, `/proc`, `/dev`, and process ids; no other homes, no data of the daemon, no processes of others; no network
 * unless the job asked for it, and then that of the machine. It has no privileges, and cannot get any: under a daemon that is root it runs
 * as `nobody`, else as the daemon's user.
 */

export interface IsolatedView {
  /** The sandbox, writable at the same path. */
  readonly work: string
  /** Becomes `/tmp`. */
  readonly tmp: string
  /** Where it starts, in the sandbox. */
  readonly cwd: string
  /** The directory of the unit's socket, if it has one; there at the same path. */
  readonly socketDirectory: string | undefined
  /** An empty directory on which the view is put together, where an isolator needs one. */
  readonly root: string
  readonly hasNetwork: boolean
}

export interface Isolator {
  readonly name: 'bubblewrap' | 'unshare'
  /** Who the unit is, where it is not the daemon's user: its sandbox has to be made theirs. */
  readonly user: UnitUser | undefined
  /** A program and arguments, before those of the command. It ignores no signal on behalf of the command. */
  wrap(view: IsolatedView): readonly string[]
}

export interface UnitUser {
  readonly uid: number
  readonly gid: number
}

/** `nobody`, as every Linux system has it, and the kernel for who has no id in a name space (`/proc/sys/kernel/overflowuid`). */
export const NOBODY: UnitUser = { uid: 65_534, gid: 65_534 }

/** What belongs to the system, and not to a user or a service. Those that are there are seen. */
export const SYSTEM_PATHS: readonly string[] = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix/store',
  '/gnu/store',
  '/run/current-system',
  // Where programs look for how many processors there are, and how they hang together.
  '/sys/devices/system',
]

/** Where `/etc/resolv.conf` may lead to; seen by who has the network. */
export const NETWORK_PATHS: readonly string[] = ['/run/systemd/resolve', '/run/resolvconf', '/run/NetworkManager']

export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`)
}
