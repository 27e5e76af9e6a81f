import { readdirSync, readFileSync } from 'node:fs'
import type { ProcessMark } from './process.ts'

/**
 * The processes of a unit, found in /proc (proc(5)) where no control group lists them: those of its first process's group and session, those that
 * began with the unit's sandbox in their environment, and the descendants of all of these. The shim and its helpers are none of them. One that has
 * left them all behind is not found.
 */
export interface UnitTrace {
  /** The unit's first process, if it is known. */
  readonly group: ProcessMark | undefined
  readonly shim: ProcessMark | undefined
  /** The sandbox, as `ROOST_SANDBOX` has it. */
  readonly sandbox: string
}

export interface FoundProcess {
  readonly pid: number
  /** Whether it is stopped (SIGSTOP). */
  readonly isStopped: boolean
  /** Whether it waits in the kernel and hears no signal until it comes back; then it hears it before anything else. */
  readonly isDeaf: boolean
}

/** Zombies are left out. Empty where there is no /proc. */
export function findProcesses(trace: UnitTrace): FoundProcess[] {
  const processes = readProcesses().filter(({ groupId }) => groupId !== trace.shim?.pid)
  const found = new Set<number>()
  // Without its leader a group cannot be told from a later one with the same id.
  const leader = processes.find(({ pid, begun }) => pid === trace.group?.pid && begun === trace.group.begun)
  for (const { pid, groupId, sessionId } of processes) {
    const isOfGroup = leader !== undefined && (groupId === leader.pid || sessionId === leader.pid)
    if (isOfGroup || hasInEnvironment(pid, `ROOST_SANDBOX=${trace.sandbox}`)) found.add(pid)
  }
  // Parents may stand behind their children, where ids have come round.
  for (let countBefore = -1; countBefore !== found.size;) {
    countBefore = found.size
    for (const { pid, parentId } of processes) if (found.has(parentId)) found.add(pid)
  }
  return processes
    .filter(({ pid, state }) => found.has(pid) && state !== 'Z' && state !== 'X')
    .map(({ pid, state }) => ({ pid, isStopped: state === 'T' || state === 't', isDeaf: state === 'D' }))
}

/**
 * Signals all of them, and those that they fork meanwhile, until each that is found was signalled and `isDone`; false where that takes
 * more than `ROUNDS_MAX`.
 */
export async function signalUntil(
  trace: UnitTrace,
  signal: NodeJS.Signals,
  isDone: (process: FoundProcess) => boolean,
): Promise<boolean> {
  const signalled = new Set<number>()
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const left = findProcesses(trace).filter((process) => !signalled.has(process.pid) || !isDone(process))
    if (left.length === 0) return true
    for (const { pid } of left) {
      send(pid, signal)
      signalled.add(pid)
    }
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS))
  }
  return false
}

const ROUNDS_MAX = 100
const ROUND_MS = 20

interface Process {
  readonly pid: number
  readonly state: string
  readonly parentId: number
  readonly groupId: number
  readonly sessionId: number
  readonly begun: string
}

function readProcesses(): Process[] {
  let names: string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : undefined
    if (stat === undefined) return []
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [parentId, groupId, sessionId] = fields.slice(1, 4).map(Number) as [number, number, number]
    return [{ pid: Number(name), state: fields[0]!, parentId, groupId, sessionId, begun: fields[19]! }]
  })
}

/** That of another user cannot be read, and is not ours. */
function hasInEnvironment(pid: number, entry: string): boolean {
  return readText(`/proc/${pid}/environ`)?.split('\0').includes(entry) ?? false
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself.
  }
}
