import { uptime } from 'node:os'
import { RoostError } from '../../overlay/index.ts'
import type { Cgroup } from './cgroup/index.ts'
import type { UnitDirectory } from './unit-directory.ts'
import { findProcesses, signalUntil } from './unit-processes.ts'

/**
 * Stops a unit and lets it go on: by the freezer of its control group, else by SIGSTOP and SIGCONT to each of its processes. Its directory
 * says that it is suspended, and since when on the machine's clock that counts from its start; so it stays so when the daemon restarts, and its
 * shim sees that time stands still (shim.ts).
 */

/** `UNIT_FAILED` where something of it goes on all the same; it is then as it was before. */
export async function suspend(directory: UnitDirectory, cgroup: Cgroup | undefined): Promise<void> {
  if (directory.suspendedAtS !== undefined) return
  await directory.markSuspended(uptime())
  try {
    if (cgroup?.canFreeze) await cgroup.freeze()
    // Deaf is one whose child was stopped between vfork and exec, and who waits for it: neither does anything more.
    else if (!(await signalUntil(traceOf(directory), 'SIGSTOP', ({ isStopped, isDeaf }) => isStopped || isDeaf)))
      throw new Error('some of its processes do not stop')
  } catch (cause) {
    await resume(directory, cgroup)
    throw new RoostError('UNIT_FAILED', 'the unit could not be suspended', { cause })
  }
}

export async function resume(directory: UnitDirectory, cgroup: Cgroup | undefined): Promise<void> {
  const sinceS = directory.suspendedAtS
  if (sinceS === undefined) return
  // First the account, then the unit, then the mark: a time limit that looks meanwhile waits for the mark to go.
  await directory.addPaused(Math.max(0, uptime() - sinceS) * 1_000)
  if (cgroup?.canFreeze) await cgroup.thaw()
  else await signalUntil(traceOf(directory), 'SIGCONT', ({ isStopped }) => !isStopped)
  directory.unmarkSuspended()
}

/** Ends every process of a unit, suspended or not. */
export async function endProcesses(directory: UnitDirectory, cgroup: Cgroup | undefined): Promise<void> {
  if (cgroup) await cgroup.kill()
  if (findProcesses(traceOf(directory)).length === 0) return
  if (!(await signalUntil(traceOf(directory), 'SIGKILL', () => false)))
    throw new Error('some of its processes do not end')
}

function traceOf(directory: UnitDirectory): Parameters<typeof findProcesses>[0] {
  return { group: directory.group, shim: directory.shim, sandbox: directory.work }
}
