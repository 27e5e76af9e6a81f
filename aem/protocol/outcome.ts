import type { FinalState } from './events.ts'
import type { JobView, UnitView } from './job-view.ts'

/**
 * How a job ends, from how its units did (docs/jobs.md, "Exit codes"): 0 when every unit exited 0, otherwise what the unit of the lowest
 * index that did not gives. One unit that nobody knows the end of makes the job `lost`.
 */
export interface Outcome {
  readonly state: FinalState
  readonly exitCode: number
  readonly reason: string
}

/**
 * As shells and `timeout` have them: a program that cannot be run, a time limit, 128 and the number of a signal. Out of memory is that of
 * KILL, which is what the kernel sends.
 */
export const EXIT_CODES = { lost: 5, timeout: 124, unstartable: 126, cancelled: 130, oom: 137, signalled: 128 } as const

/** The outcome of a job all of whose units are over, or which is cancelled before it has a node. */
export function outcomeOf(view: JobView): Outcome {
  const failed = view.units.find((unit) => exitCodeOf(unit) !== 0)
  const failedCode = failed ? exitCodeOf(failed) : 0
  if (view.cancelling)
    return { state: 'cancelled', exitCode: failedCode || EXIT_CODES.cancelled, reason: view.cancelling.reason }
  if (!failed) return { state: 'done', exitCode: 0, reason: 'every unit exited with 0' }
  const lost = view.units.find(isLost)
  const told = lost ?? failed
  return {
    state: lost ? 'lost' : failed.exit?.kind === 'timeout' ? 'timeout' : 'failed',
    exitCode: failedCode,
    reason: `unit ${told.index}: ${told.reason}`,
  }
}

function isLost(unit: UnitView): boolean {
  return unit.state === 'lost' || unit.exit?.kind === 'vanished'
}

/** What one unit gives its job; a unit that has not ended gives that of a cancelled one. */
export function exitCodeOf(unit: UnitView): number {
  if (unit.state === 'lost') return EXIT_CODES.lost
  switch (unit.exit?.kind) {
    case 'exited':
      return unit.exit.code
    case 'signalled':
      return EXIT_CODES.signalled + (SIGNAL_NUMBERS[unit.exit.signal] ?? 0)
    case 'timeout':
      return EXIT_CODES.timeout
    case 'oom':
      return EXIT_CODES.oom
    case 'unstartable':
      return EXIT_CODES.unstartable
    case 'vanished':
      return EXIT_CODES.lost
    case undefined:
      return EXIT_CODES.cancelled
  }
}

/** Linux on x86 and Arm (signal(7)); a name that is not here counts 128 alone. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
}
