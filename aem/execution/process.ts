import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A process told apart from any later one with the same id: `<pid> <when it began>`. On Linux that is the start time in
 * clock ticks since boot (proc(5), /proc/pid/stat, field 22); elsewhere the words of `ps -o lstart=`.
 */
export interface ProcessMark {
  readonly pid: number
  readonly begun: string
}

/** The mark in a file that the shim or a unit wrote; undefined where there is none or it is damaged. */
export function readMark(file: string): ProcessMark | undefined {
  const match = /^([1-9]\d{0,9}) (\S.*?)\s*$/.exec(readText(file) ?? '')
  return match ? { pid: Number(match[1]), begun: match[2]! } : undefined
}

/**
 * Whether just this process still runs. One that ended but was not reaped yet (a zombie) does not: orphans may stay so
 * for long where process 1 reaps late.
 */
export function isRunning(mark: ProcessMark): boolean {
  const now = lookAt(mark.pid)
  return now !== undefined && !now.ended && now.begun === mark.begun
}

/** The mark of a process as it is now. */
export function markOf(pid: number): ProcessMark | undefined {
  const now = lookAt(pid)
  return now && { pid, begun: now.begun }
}

/** Signals the process group that `mark` leads; false where the group is gone or its id now means another. */
export function signalGroup(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  const now = lookAt(mark.pid)
  // A leader that ended but is not reaped still holds the id for the rest of its group.
  if (now === undefined || now.begun !== mark.begun) return false
  try {
    process.kill(-mark.pid, signal)
    return true
  } catch {
    return false
  }
}

function lookAt(pid: number): { ended: boolean; begun: string } | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat !== undefined) {
    // The name stands in brackets and may hold anything, brackets too: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { ended: fields[0] === 'Z' || fields[0] === 'X', begun: fields[19] ?? '' }
  }
  if (process.platform === 'linux') return undefined
  try {
    const [state = '', begun = ''] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    }).split(/\s+(.*)/s)
    return { ended: state.startsWith('Z'), begun: begun.trim() }
  } catch {
    return undefined
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
