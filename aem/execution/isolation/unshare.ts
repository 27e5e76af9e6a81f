import type { IsolatedView, Isolator, UnitUser } from './isolator.ts'
import { asCommand, asUser, systemEntries, type Tools } from './tools.ts'

/**
 * Puts the view together, as the first process of new name spaces. Arguments: the directory to do it in, the sandbox, what becomes `/tmp`, the
 * socket's directory or nothing, the system's directories and its links (`path target`), a line each; then the command.
 *
 * A mount that is bound again can be made read-only only by itself, not with those below it: so each is, in turn. What fails on
 * the way ends the unit before its command.
 */
const SCRIPT = `
set -e
root=$1 work=$2 tmp=$3 socket=$4 directories=$5 links=$6
shift 6
umask 022
mount --make-rprivate /
mount -t tmpfs -o mode=755,size=1m tmpfs "$root"
bind() {
  mkdir -p "$root$2"
  mount --rbind "$1" "$root$2"
}
while read -r directory; do
  bind "$directory" "$directory"
done <<END
$directories
END
while read -r _ _ _ _ point _; do
  case $point in
    *\\\\*) exit 1 ;;
    "$root"/*) mount -o remount,bind,ro,nosuid,nodev "$point" ;;
  esac
done </proc/self/mountinfo
while read -r link target; do
  [ -z "$link" ] || ln -s "$target" "$root$link"
done <<END
$links
END
mkdir -p "$root/dev" "$root/proc" "$root/var"
for device in null zero full random urandom tty; do
  true >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
  ln -s "/proc/self/fd\${link#*:}" "$root/dev/\${link%%:*}"
done
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
bind "$tmp" /tmp
ln -s /tmp "$root/var/tmp"
bind "$work" "$work"
[ -z "$socket" ] || bind "$socket" "$socket"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
for part in sys sysrq-trigger irq bus; do
  [ ! -e "$root/proc/$part" ] || {
    mount --bind "$root/proc/$part" "$root/proc/$part"
    mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$part"
  }
done
! command -v ip >/dev/null || ip link set lo up 2>/dev/null || true
mkdir "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
mount -o remount,bind,ro /
cd /
set +e
"$@"
exit $?
`

/** Isolation by name spaces (unshare(1), pivot_root(8), setpriv(1) of util-linux) where there is no bubblewrap. */
export class Unshare implements Isolator {
  readonly name = 'unshare'
  readonly user: UnitUser | undefined
  readonly #tools: Tools

  constructor(tools: Tools, user: UnitUser | undefined) {
    this.#tools = tools
    this.user = user
  }

  wrap(view: IsolatedView): readonly string[] {
    const { unshare, setpriv, env } = this.#tools
    const { directories, links } = systemEntries(view)
    return [
      unshare!,
      ...['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child'],
      ...(view.hasNetwork ? [] : ['--net']),
      ...(this.user ? [] : ['--user', '--map-root-user']),
      ...['/bin/sh', '-c', SCRIPT, 'roost-isolate'],
      ...[view.root, view.work, view.tmp, view.socketDirectory ?? ''],
      directories.join('\n'),
      links.map(({ path, target }) => `${path} ${target}`).join('\n'),
      ...(this.user ? [...asUser(setpriv!, this.user), '--bounding-set=-all'] : [setpriv!, ...WITHOUT_PRIVILEGES]),
      ...asCommand(env, view.cwd),
    ]
  }
}

/** Root of a user name space that can do nothing with it any more. */
const WITHOUT_PRIVILEGES = [
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--securebits=+noroot,+noroot_locked',
]
