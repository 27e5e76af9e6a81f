import type { IsolatedView, Isolator, UnitUser } from './isolator.ts'
import { asCommand, asUser, systemEntries, type Tools } from './tools.ts'

/** Isolation by bubblewrap (bwrap(1)), which needs no privileges where the kernel gives user name spaces to everybody. */
export class Bubblewrap implements Isolator {
  readonly name = 'bubblewrap'
  readonly user: UnitUser | undefined
  readonly #tools: Tools

  constructor(tools: Tools, user: UnitUser | undefined) {
    this.#tools = tools
    this.user = user
  }

  wrap(view: IsolatedView): readonly string[] {
    const { bwrap, setpriv, env } = this.#tools
    const { directories, links } = systemEntries(view)
    return [
      bwrap!,
      '--die-with-parent',
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-uts',
      '--unshare-cgroup-try',
      ...(view.hasNetwork ? [] : ['--unshare-net']),
      ...(this.user ? ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'] : ['--unshare-user']),
      ...directories.flatMap((path) => [...above(path), '--ro-bind', path, path]),
      ...links.flatMap(({ path, target }) => ['--symlink', target, path]),
      ...['--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm'],
      ...['--bind', view.tmp, '/tmp', '--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
      ...above(view.work),
      ...['--bind', view.work, view.work],
      ...(view.socketDirectory
        ? [...above(view.socketDirectory), '--bind', view.socketDirectory, view.socketDirectory]
        : []),
      ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/', '--'],
      ...(this.user ? asUser(setpriv!, this.user) : []),
      ...asCommand(env, view.cwd),
    ]
  }
}

/** Makes what is above a path, for everybody to pass: what bubblewrap makes by itself only its user can. */
function above(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.flatMap((_, index) => ['--dir', `/${parts.slice(0, index + 1).join('/')}`])
}
