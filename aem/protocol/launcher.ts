import type { PeerId } from '../../overlay/index.ts'
import type { JobId, UnitId } from './ids.ts'

/** The seam to the acting side: what starts processes. */

/** A file that a unit finds in its sandbox before it starts: `name` is a relative path, `sha256` 64 hexadecimal digits. */
export interface InputFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface UnitLimits {
  /** Counts from the start of the unit's process, without the time that it is suspended. */
  readonly timeMs?: number
  readonly memoryBytes?: number
  /** Processes at one time, threads counted each. */
  readonly processesCount?: number
}

export interface Isolation {
  readonly network: boolean
}

/** All that is needed to run one unit. It follows from what the user signed, not from what a controller says. */
export interface UnitOrder {
  readonly unitId: UnitId
  readonly jobId: JobId
  readonly name: string
  /** From 0, of `count`. */
  readonly index: number
  readonly count: number
  /** The attempt to place the job, from 1. */
  readonly attempt: number
  /** Text for `/bin/sh -c`, or a program with its arguments. */
  readonly run: string | readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cores: number
  readonly memoryBytes?: number
  readonly limits: UnitLimits
  /** Where present it sees only the system, read-only, and its own sandbox; the network only where `network` is true. */
  readonly isolate?: Isolation
  /** Fetched from the controller into the sandbox. */
  readonly inputs: readonly InputFile[]
  /** Patterns of files in the sandbox that can be fetched afterwards. */
  readonly outputs: readonly string[]
  /** Where in the sandbox it starts; the sandbox itself where absent. */
  readonly workdir?: string
  /** The home of the job: the node that it was submitted at. */
  readonly controller: PeerId
  /** Who else may control the home's jobs. */
  readonly holders?: readonly PeerId[]
  /** The user's key id. */
  readonly owner: string
  /** The node of each unit, by index. */
  readonly peers: readonly PeerId[]
}

/**
 * How a unit ended. `timeout`: stopped at its time limit. `oom`: the kernel killed what it ran for want of memory. `unstartable`: no process of it ever ran. `vanished`: its process is gone and
 * left no exit record (power loss).
 */
export type UnitExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'oom' }
  | { readonly kind: 'unstartable'; readonly reason: string }
  | { readonly kind: 'vanished'; readonly reason: string }

export interface RecoveredUnit {
  readonly order: UnitOrder
  /** `never-started`: surely no process of it ever ran, so that it may be started now. */
  readonly state: 'running' | 'exited' | 'never-started'
  /** Stands where the state is `exited`. */
  readonly exit?: UnitExit
}

/**
 * Runs units. Every exit is told once or more through the callback given at construction, `(unitId, exit) => void`, and stays readable
 * by `recover` until `forget`.
 */
export interface Launcher {
  /**
   * Prepares the sandbox and starts the process. Resolves when it runs; rejects where no process was or ever will be started by this
   * call. A second start of a unit id that ever ran does nothing, whatever happened between, restarts included.
   */
  start(order: UnitOrder): Promise<void>
  /** `TERM`, `KILL`, ... to the unit's whole process group. A unit that has ended or is unknown is no error. */
  signal(unitId: UnitId, signal: string): Promise<void>
  /** Once, after construction: what an earlier life of this daemon left. Units that still run are watched from here on. */
  recover(): Promise<readonly RecoveredUnit[]>
  /** Deletes sandbox, output and exit record of an ended unit. */
  forget(unitId: UnitId): Promise<void>
}

/** What stops a unit for a while: every process of it, from outside, so that it can do nothing about it. */
export interface Suspender {
  /** Resolves when nothing of it runs. A unit that is suspended already, has ended or is unknown is no error. */
  suspend(unitId: UnitId): Promise<void>
  /** Lets it go on. One that is not suspended, has ended or is unknown is no error. */
  resume(unitId: UnitId): Promise<void>
}
