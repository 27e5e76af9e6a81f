/**
 * Control groups: how the kernel bounds a set of processes as one, counts what they use, stops them and ends them, whoever of them
 * forked whom. There are two generations, v1 (a tree for each controller) and v2 (one tree); a driver for each makes the same of them.
 */

export interface CgroupLimits {
  /** What the unit may count on where others want the processor too; it may use more where nobody does. */
  readonly cores: number
  readonly memoryBytes?: number | undefined
  readonly processesCount?: number | undefined
}

/** What groups of a driver can do. Every one can tell its members, and end them. */
export type CgroupPower = 'memory' | 'cpu' | 'processes' | 'freeze'

export interface CgroupDriver {
  readonly version: 1 | 2
  readonly powers: ReadonlySet<CgroupPower>
  /** Makes a group without members. `name` is a file name that no other group has. Rejects as the system does; nothing is left then. */
  make(name: string, limits: CgroupLimits): Promise<Cgroup>
}

export interface CgroupUsage {
  readonly memoryPeakBytes?: number
  readonly cpuMs?: number
}

export interface Cgroup {
  /** What `reopen` needs, as plain data. */
  readonly record: CgroupRecord
  readonly canFreeze: boolean
  /** What the shim needs to know of it (shim.ts). */
  readonly shimLines: readonly ShimLine[]
  /** Resolves when no member runs any more; rejects where the kernel does not say so in time. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Ends every member, frozen or not; resolves when none is left, rejects where some outlast `KILL_WAIT_MS`. */
  kill(): Promise<void>
  usage(): CgroupUsage
  /** Removes the group, which has no members any more. One that is gone is no error. */
  remove(): Promise<void>
}

/**
 * `enter`: a file into which a process writes 0 to become a member. `members`: a file that lists them. `kill`: a file that ends them when 1
 * is written. `freezer`: the state file of a v1 freezer. `oom`: a file with a line `oom_kill` and how many the kernel ended for want of memory.
 */
export type ShimLine = readonly [what: 'enter' | 'members' | 'kill' | 'freezer' | 'oom', file: string]

/** Where a group lies: for v2 one directory, `unified`; for v1 one for each controller that it has. */
export interface CgroupRecord {
  readonly version: 1 | 2
  readonly directories: Readonly<Record<string, string>>
}

/** How long the kernel may take to freeze a group, or to end its members. */
export const FREEZE_WAIT_MS = 5_000
export const KILL_WAIT_MS = 5_000
