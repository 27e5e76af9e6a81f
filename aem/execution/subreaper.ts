import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

/**
 * How a shim becomes a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), which inherits every orphan below it and so loses none. It has to
 * ask for that itself; a shell cannot, nor can Node.js, but Perl, which most systems have, calls the kernel by number and then becomes the shell.
 */
export interface Subreaper {
  /** A program and arguments, before those of a program that it becomes. */
  readonly prefix: readonly string[]
}

/** The number of prctl(2) (arch/*\/syscall_64.tbl, and include/uapi/asm-generic/unistd.h for Arm). */
const PRCTL_NUMBERS: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 157, arm64: 167, riscv64: 167 }
const PR_SET_CHILD_SUBREAPER = 36
const TRIAL_MS = 5_000

/** Tried out; undefined where it does not work. */
export async function findSubreaper(): Promise<Subreaper | undefined> {
  const number = process.platform === 'linux' ? PRCTL_NUMBERS[process.arch] : undefined
  // Kernels can be built without the list of a process's children (proc(5)), by which it finds what it inherited.
  if (number === undefined || !existsSync(`/proc/self/task/${process.pid}/children`)) return undefined
  const call = `syscall(${number}, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0) == 0 or exit 1; exec {$ARGV[0]} @ARGV`
  // Under -t the options that a job's environment may have for its own Perl are left alone (perlrun, PERL5OPT).
  const prefix = ['perl', '-t', '-e', call]
  try {
    // The kernel says whether it does it, and the call ends the program where it does not.
    await promisify(execFile)('perl', [...prefix.slice(1), '/bin/sh', '-c', 'true'], { timeout: TRIAL_MS })
    return { prefix }
  } catch {
    return undefined
  }
}
