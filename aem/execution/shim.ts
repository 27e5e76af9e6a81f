/**
 * The shim: a POSIX shell that stands between the daemon and a unit, so that the unit and its exit code survive the
 * daemon. It leads a session of its own, and the unit leads another; neither notices when the daemon dies.
 *
 * It speaks through files in the unit's directory, in this order:
 *
 * - `shim`: its process, as a mark (see process.ts).
 * - `claim`: made with O_EXCL. Whoever makes it decides whether the unit starts: the shim before it goes on, or a
 *   recovering daemon that found no claim and says that the unit never started. So a slow shim never starts a unit that
 *   was given up.
 * - `group`: the unit's first process, as a mark; its id is also the id of its process group and session. The unit writes
 *   it before its command, and then looks for `dead`, which a recovering daemon makes before it reads `group` where the
 *   shim died without an exit record. One of the two sees the other.
 * - `timeout`: the time limit ended the unit.
 * - `exit`: the exit record. It was filled with blanks at the start and is written over in place, in one write: a disk
 *   that is full by now cannot lose an exit code.
 *
 * A shell knows a death by signal N as status 128 + N, as it knows an exit with that status; we keep its convention.
 * Between its fork and its first line a child of a shell has its parent's handlers, and forgets what they caught. So the shim traps
 * signals only when its watcher is there, and the watcher's sleep is ended with KILL: else a quick unit could seem to run until
 * its time limit.
 *
 * When the command ends, whatever it left behind in its process group is killed.
 */

/** Writes process `$2` into file `$1`: its id, and when it began, since an id alone comes round again. */
const MARK = `
mark() {
  file=$1 pid=$2
  if read -r stat </proc/$pid/stat; then
    set -- \${stat##*) }
    begun=\${20}
  else
    begun=$(ps -o lstart= -p "$pid")
  fi
  echo "$pid $begun" >"$file"
} 2>/dev/null
`

/** The unit's side: says which group it is, then becomes the command. */
const UNIT = `${MARK}
dir=$1 unit_path=$2
shift 2
mark "$dir/group" $$ || exit 126
[ -e "$dir/dead" ] && exit 126
PATH=$unit_path
exec "$@"
`

/**
 * It starts where the unit is to run. Arguments: the unit's directory, its PATH, the limit of time in seconds and of memory in KiB (empty: none), the grace
 * between TERM and KILL in seconds, the text of `UNIT`, and the command. Without setsid(1), job control makes the group.
 */
const SHIM = `${MARK}
dir=$1 unit_path=$2 limit=$3 memory=$4 grace=$5 unit=$6
shift 6
mark "$dir/shim" $$ || exit 1
set -C
true >"$dir/claim" || exit 1
set +C
if command -v setsid >/dev/null; then session=setsid; else session=; set -m; fi
watcher=
if [ "$limit" ]; then
  (
    trap '[ "$!" ] && kill -s KILL "$!"; exit' TERM
    sleep "$limit" &
    wait "$!"
    true >"$dir/timeout"
    read -r group begun <"$dir/group" || exit
    kill -s TERM -- "-$group"
    sleep "$grace" &
    wait "$!"
    kill -s KILL -- "-$group"
  ) </dev/null >/dev/null 2>&1 &
  watcher=$!
fi
trap : HUP INT TERM
(
  [ "$memory" ] && ulimit -d "$memory"
  exec $session sh -c "$unit" roost "$dir" "$unit_path" "$@"
) </dev/null >>"$dir/stdout" 2>>"$dir/stderr"
status=$?
read -r group begun <"$dir/group" && kill -s KILL -- "-$group"
[ "$watcher" ] && kill "$watcher" && wait "$watcher"
if [ -e "$dir/timeout" ]; then how=timeout; else how=exited; fi
echo "$how $status ." 1<>"$dir/exit"
`

export interface ShimOptions {
  readonly dir: string
  /** The unit's PATH. The shim has its own, so that no job can hide the tools it needs. */
  readonly path: string
  readonly timeMs: number | undefined
  readonly memoryBytes: number | undefined
  readonly graceMs: number
  /** One text for `sh -c`, or a program with its arguments. */
  readonly run: string | readonly string[]
}

/** The arguments of `sh` that start a unit behind its shim. */
export function shimArguments(options: ShimOptions): string[] {
  const { dir, path, timeMs, memoryBytes, graceMs, run } = options
  const seconds = timeMs === undefined ? '' : (timeMs / 1000).toFixed(3)
  const kibibytes = memoryBytes === undefined ? '' : String(Math.max(1, Math.floor(memoryBytes / 1024)))
  const command = typeof run === 'string' ? ['sh', '-c', run] : run
  return ['-c', SHIM, 'roost-shim', dir, path, seconds, kibibytes, (graceMs / 1000).toFixed(3), UNIT, ...command]
}

/** What stands in `exit` until the shim writes over it; longer than any record. */
export const EXIT_RECORD_BLANK = `${' '.repeat(63)}\n`
