import type { ShimLine } from './cgroup/index.ts'

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
 * - `suspended`: the launcher has stopped the unit, and time stands still for its limit. `paused`: how long it was stopped before, in
 *   milliseconds.
 * - `exit`: the exit record. It was filled with blanks at the start and is written over in place, in one write: a disk
 *   that is full by now cannot lose an exit code.
 *
 * A shell knows a death by signal N as status 128 + N, as it knows an exit with that status; we keep its convention.
 * Between its fork and its first line a child of a shell has its parent's handlers, and forgets what they caught. So the shim traps
 * signals only when its watcher is there, and the watcher's sleep is ended with KILL: else a quick unit could seem to run until
 * its time limit.
 *
 * When the command ends, whatever it left behind is killed, before the exit record says that the unit is over: the members of its
 * control group; where it has none, the children that the shim inherited as their subreaper (prctl(2)); where it is none, every process
 * of the unit's session, or with its sandbox in the environment that it began with.
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
dir=$1 unit_path=$2 ignored=$3
shift 3
mark "$dir/group" $$ || exit 126
[ -e "$dir/dead" ] && exit 126
[ "$ignored" ] && trap '' $ignored
PATH=$unit_path
exec "$@"
`

/** How often those left behind are killed, 20 ms apart, until the shim gives up and says how the unit ended. */
const REAP_ROUNDS_MAX = 250

/** Sets `pids` to those that the unit left behind and that still run. */
const LEFT = `
left() {
  pids=
  if [ "$members" ]; then
    while read -r pid; do pids="$pids $pid"; done <"$members"
  elif [ "$subreaper" ]; then
    read -r children </proc/$$/task/$$/children
    for pid in $children; do
      read -r stat </proc/$pid/stat && set -- \${stat##*) } && [ "$1" != Z ] && pids="$pids $pid"
    done
  elif [ -e /proc/self/stat ]; then
    marked=" $(cd /proc && grep -lszxF "ROOST_SANDBOX=$dir/work" [0-9]*/environ | tr '\\n' ' ')"
    for file in /proc/[0-9]*/stat; do
      read -r stat <"$file" || continue
      pid=\${stat%% *}
      set -- \${stat##*) }
      [ "$1" = Z ] || [ "$3" = $$ ] && continue
      case $4$marked in "$group "* | *" $pid/environ "*) pids="$pids $pid" ;; esac
    done
  fi
}

reap() {
  rounds=0
  while left && [ "$pids" ] && [ $rounds -lt ${REAP_ROUNDS_MAX} ]; do
    [ "$freezer" ] && echo FROZEN >"$freezer"
    [ "$kill" ] && echo 1 >"$kill" || kill -s KILL $pids
    [ "$freezer" ] && echo THAWED >"$freezer"
    sleep 0.02
    rounds=$((rounds + 1))
  done
} 2>/dev/null
`

/**
 * Ends the unit at its time limit: TERM, then KILL. Time in which the unit is suspended does not count: whenever the limit seems to be
 * reached, what was meanwhile added to `paused` is waited for in addition.
 */
const WATCH = `
watch() {
  trap '[ "$!" ] && kill -s KILL "$!"; exit' TERM
  left=$limit counted=0
  while [ "$left" -gt 0 ]; do
    thousandths=$((1000 + left % 1000))
    sleep "$((left / 1000)).\${thousandths#1}" &
    wait "$!"
    while [ -e "$dir/suspended" ]; do
      sleep 0.2 &
      wait "$!"
    done
    paused=0
    read -r paused <"$dir/paused"
    left=$((paused - counted)) counted=$paused
  done
  true >"$dir/timeout"
  read -r group begun <"$dir/group" || exit
  kill -s TERM -- "-$group"
  sleep "$grace" &
  wait "$!"
  kill -s KILL -- "-$group"
}
`

/**
 * It starts where the unit is to run. Arguments: the unit's directory, its PATH, the limit of time in milliseconds and of memory in KiB
 * (empty: none), the grace between TERM and KILL in seconds, what is known of its control group (lines `what file`; empty: none), whether it
 * is a subreaper, the signals that the command's wrapper ignores, the text of `UNIT`, and the command. Without setsid(1), job control makes the group.
 */
const SHIM = `${MARK}${LEFT}${WATCH}
dir=$1 unit_path=$2 limit=$3 memory=$4 grace=$5 cgroup=$6 subreaper=$7 ignored=$8 unit=$9
shift 9
mark "$dir/shim" $$ || exit 1
set -C
true >"$dir/claim" || exit 1
set +C
members= kill= freezer= oom=
while read -r what file; do
  case $what in
    members) members=$file ;;
    kill) [ -e "$file" ] && kill=$file ;;
    freezer) freezer=$file ;;
    oom) oom=$file ;;
  esac
done <<END
$cgroup
END
if command -v setsid >/dev/null; then session=setsid; else session=; set -m; fi
watcher=
if [ "$limit" ]; then
  watch </dev/null >/dev/null 2>&1 &
  watcher=$!
fi
trap : HUP INT TERM
(
  while read -r what file; do
    [ "$what" != enter ] || echo 0 >"$file" || exit 126
  done <<END
$cgroup
END
  [ "$memory" ] && ulimit -d "$memory"
  exec $session sh -c "$unit" roost "$dir" "$unit_path" "$ignored" "$@"
) </dev/null >>"$dir/stdout" 2>>"$dir/stderr"
status=$?
read -r group begun <"$dir/group" && kill -s KILL -- "-$group"
[ "$watcher" ] && kill "$watcher" && wait "$watcher"
reap
how=exited
while [ "$oom" ] && [ $status -ne 0 ] && read -r what count; do
  [ "$what" = oom_kill ] && [ "$count" -gt 0 ] && how=oom
done <"\${oom:-/dev/null}" 2>/dev/null
[ -e "$dir/timeout" ] && how=timeout
echo "$how $status ." 1<>"$dir/exit"
`

export interface ShimOptions {
  readonly dir: string
  /** The unit's PATH. The shim has its own, so that no job can hide the tools it needs. */
  readonly path: string
  readonly timeMs: number | undefined
  /** What each process may have, for where no control group bounds them together. */
  readonly memoryBytes: number | undefined
  readonly graceMs: number
  readonly cgroup?: readonly ShimLine[]
  readonly isSubreaper?: boolean
  /** One text for `sh -c`, or a program with its arguments. */
  readonly run: string | readonly string[]
  /** A program and arguments that the command is given to; it ignores signals, and sees to it that the command does not. */
  readonly wrapper?: readonly string[]
}

/** The arguments of `sh` that start a unit behind its shim. */
export function shimArguments(options: ShimOptions): string[] {
  const { dir, path, timeMs, memoryBytes, graceMs, cgroup = [], isSubreaper = false, run, wrapper } = options
  const command = typeof run === 'string' ? ['sh', '-c', run] : run
  return [
    '-c',
    SHIM,
    'roost-shim',
    dir,
    path,
    timeMs === undefined ? '' : String(Math.max(1, Math.round(timeMs))),
    memoryBytes === undefined ? '' : String(Math.max(1, Math.floor(memoryBytes / 1024))),
    (graceMs / 1000).toFixed(3),
    cgroup.map(([what, file]) => `${what} ${file}`).join('\n'),
    isSubreaper ? 'yes' : '',
    wrapper ? IGNORED_SIGNALS : '',
    UNIT,
    ...(wrapper ?? []),
    ...command,
  ]
}

/** Those that would end a wrapper, and can be ignored. */
const IGNORED_SIGNALS = 'HUP INT QUIT ABRT USR1 USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF'

/** What stands in `exit` until the shim writes over it; longer than any record. */
export const EXIT_RECORD_BLANK = `${' '.repeat(63)}\n`
