import type { UnitExit } from './launcher.ts'

/** How a unit ended, in words for people. */
export function describeExit(exit: UnitExit): string {
  switch (exit.kind) {
    case 'exited':
      return `exited with ${exit.code}`
    case 'signalled':
      return `ended by signal ${exit.signal}`
    case 'timeout':
      return 'stopped at its time limit'
    case 'oom':
      return 'killed by the kernel: it had used up the memory that it may have'
    case 'unstartable':
      return `could not be started: ${exit.reason}`
    case 'vanished':
      return `gone without a trace of how it ended: ${exit.reason}`
  }
}
