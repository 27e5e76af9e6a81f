import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process that is not taken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in a form of the system's own: only to be compared. */
  readonly started: string
}

/** The process with this number as it is now; undefined where there is none. A zombie has ended. */
export function describeProcess(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startTicks(pid) : startDate(pid)
  return started === undefined ? undefined : { pid, started }
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  return describeProcess(identity.pid)?.started === identity.started
}

/** proc_pid_stat(5): field 3 is the state, field 22 the start in ticks since boot. The second field may hold anything. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function startDate(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
