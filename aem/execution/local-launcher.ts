import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { appendFile, mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { RoostError, type PeerId } from '../../overlay/index.ts'
import type { JobSocket, Log } from '../../overlay/contract/index.ts'
import { diskError, isSafeName } from '../disk/index.ts'
import {
  ISOLATION_ATTRIBUTE,
  type Launcher,
  type RecoveredUnit,
  type Suspender,
  type UnitExit,
  type UnitId,
  type UnitOrder,
} from '../protocol/index.ts'
import { unitEnvironment } from './environment.ts'
import { fetchInputs, INPUTS_TIMEOUT_MS, type FetchInput } from './inputs.ts'
import { reopen, type Cgroup, type CgroupUsage } from './cgroup/index.ts'
import { packEnvironment, type IsolatedView } from './isolation/index.ts'
import type { ExecutionMeans } from './means.ts'
import { isRunning, signalGroup, type ProcessMark } from './process.ts'
import { shimArguments } from './shim.ts'
import { endProcesses, resume, suspend } from './suspension.ts'
import { UnitDirectory } from './unit-directory.ts'
import { UnitSocket } from './unit-socket.ts'

export interface LauncherDependencies {
  readonly self: PeerId
  /** Where the units' directories lie; made if missing. */
  readonly root: string
  readonly log: Log
  readonly fetchInput: FetchInput
  /** What the machine gives to hold units (`findMeans`); nothing where absent. */
  readonly means?: ExecutionMeans
  /** Serves what a unit may ask of the daemon on a Unix socket at this path; without it units have none. */
  readonly serveJob?: (path: string, job: { readonly id: string; readonly unit: UnitId }) => Promise<JobSocket>
  /** Told once for every unit that ends while this launcher lives, and not for what `recover` returns as ended. */
  readonly onExit: (unitId: UnitId, exit: UnitExit) => void
}

export interface LauncherOptions {
  /** Between TERM and KILL at the time limit. */
  readonly graceMs: number
  /**
   * What a unit may write to stdout, and to stderr. Beyond it the unit gets SIGXFSZ, as if a file had outgrown its limit,
   * a line on its stderr that says so, and KILL after the grace. It is looked at every `CHECK_INTERVAL_MS`, so that a fast
   * writer gets somewhat further; while the daemon is down it is not held.
   */
  readonly outputBytesMax: number
}

export const LAUNCHER_OPTIONS: LauncherOptions = { graceMs: 5_000, outputBytesMax: 1024 ** 3 }

/** How often running units are looked at: the length of their output, and the shims that are no children of ours. */
const CHECK_INTERVAL_MS = 250
/** How long a signal waits for a unit whose process is only just beginning. */
const GROUP_WAIT_MS = 5_000
const GROUP_POLL_MS = 10

interface Unit {
  readonly order: UnitOrder
  directory: UnitDirectory | undefined
  state: 'preparing' | 'running' | 'ended'
  /** Gives up while its sandbox is prepared. */
  readonly preparation: AbortController
  /** Whether the shim is our child, whose end we hear of. Others are looked at. */
  isChild: boolean
  outputStoppedAtMs: number | undefined
  socket: UnitSocket | undefined
  cgroup: Cgroup | undefined
  usage: CgroupUsage | undefined
  /** Resolves when what the system kept for it is given back. */
  cleared: Promise<void>
  readonly ended: PromiseWithResolvers<void>
}

/**
 * The `local` back end: units as processes of this machine, each in a sandbox, a session and a process group of its own,
 * behind a shim that outlives the daemon (shim.ts), and in a control group where it needs one and the machine gives one. Limits: time by the shim; memory and
 * processes by the group; without one, memory by RLIMIT_DATA for each process of the unit, and processes not at all.
 */
export class LocalLauncher implements Launcher, Suspender {
  readonly #dependencies: LauncherDependencies
  readonly #options: LauncherOptions
  readonly #units = new Map<UnitId, Unit>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(dependencies: LauncherDependencies, options: LauncherOptions = LAUNCHER_OPTIONS) {
    this.#dependencies = dependencies
    this.#options = options
    mkdirSync(dependencies.root, { recursive: true, mode: 0o700 })
  }

  async start(order: UnitOrder): Promise<void> {
    if (this.#units.has(order.unitId)) return
    const unit = newUnit(order, 'preparing')
    this.#units.set(order.unitId, unit)
    try {
      const cwd = await this.#prepare(unit)
      await this.#spawn(unit, cwd)
    } catch (thrown) {
      this.#units.delete(order.unitId)
      unit.state = 'ended'
      await this.#endSocket(unit)
      await this.#removeCgroup(unit)
      unit.directory?.remove()
      unit.ended.resolve()
      throw diskError(thrown, 'the unit could not be prepared', 'UNIT_FAILED')
    }
  }

  /** Stops this launcher's watching, not its units: they go on, and `recover` of a later launcher finds them. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const unit of this.#units.values()) unit.preparation.abort()
  }

  async signal(unitId: UnitId, signal: string): Promise<void> {
    const unit = this.#units.get(unitId)
    if (unit === undefined || unit.state === 'ended') return
    if (unit.state === 'preparing') unit.preparation.abort()
    const group = await this.#groupOf(unit)
    if (group === undefined) return
    signalGroup(group, `SIG${signal}` as NodeJS.Signals)
    // What is frozen does not even die.
    if (signal === 'KILL') await this.resume(unitId)
  }

  async suspend(unitId: UnitId): Promise<void> {
    const unit = this.#units.get(unitId)
    if (unit === undefined || (await this.#groupOf(unit)) === undefined) return
    await unlessEnded(unit, suspend(unit.directory!, unit.cgroup))
  }

  async resume(unitId: UnitId): Promise<void> {
    const unit = this.#units.get(unitId)
    if (unit?.state === 'running') await unlessEnded(unit, resume(unit.directory!, unit.cgroup))
  }

  isSuspended(unitId: UnitId): boolean {
    const unit = this.#units.get(unitId)
    return unit?.state === 'running' && unit.directory?.suspendedAtS !== undefined
  }

  /** What an ended unit used, as far as its control group counted it. */
  usageOf(unitId: UnitId): CgroupUsage | undefined {
    return this.#units.get(unitId)?.usage
  }

  /** What this node can do for units, for those who choose nodes. */
  attributes(): Readonly<Record<string, boolean>> {
    return this.#dependencies.means?.isolator ? { [ISOLATION_ATTRIBUTE]: true } : {}
  }

  async recover(): Promise<readonly RecoveredUnit[]> {
    const recovered: RecoveredUnit[] = []
    for (const { unitId, directory } of await UnitDirectory.list(this.#dependencies.root)) {
      const found = await this.#recoverUnit(unitId, directory)
      if (found) recovered.push(found)
    }
    return recovered
  }

  async forget(unitId: UnitId): Promise<void> {
    const unit = this.#units.get(unitId)
    if (unit === undefined || unit.state !== 'ended') return
    this.#units.delete(unitId)
    await unit.cleared
    unit.directory?.remove()
  }

  /** What is on disk of a unit that ran here. `UNIT_NOT_FOUND` where it is not, or no more. */
  directoryOf(unitId: UnitId): UnitDirectory {
    const directory = this.#units.get(unitId)?.directory
    if (directory === undefined)
      throw new RoostError('UNIT_NOT_FOUND', `unit ${unitId} has left nothing on this node`, {
        hint: 'its sandbox may have been cleared away; `roost show JOB` says where it ran',
      })
    return directory
  }

  orderOf(unitId: UnitId): UnitOrder | undefined {
    return this.#units.get(unitId)?.order
  }

  /** Resolves when the unit has ended; at once for one that is not known. */
  async whenEnded(unitId: UnitId): Promise<void> {
    await this.#units.get(unitId)?.ended.promise
  }

  async #prepare(unit: Unit): Promise<string> {
    const { order } = unit
    if (order.isolate && !this.#dependencies.means?.isolator) {
      const why = this.#dependencies.means?.isolationLacks
      throw new RoostError('UNIT_FAILED', `this node cannot isolate units${why ? `: ${why}` : ''}`)
    }
    const directory = await UnitDirectory.create(this.#dependencies.root, order)
    unit.directory = directory
    const timeout = AbortSignal.timeout(INPUTS_TIMEOUT_MS)
    const signal = AbortSignal.any([unit.preparation.signal, timeout])
    try {
      await fetchInputs(order, directory.work, this.#dependencies.fetchInput, signal)
    } catch (thrown) {
      if (timeout.aborted)
        throw new RoostError('UNIT_FAILED', 'its input files did not come in time', { cause: thrown })
      throw thrown
    }
    if (unit.preparation.signal.aborted) throw new RoostError('CANCELLED', 'the unit was stopped before it began')
    if (order.workdir === undefined) return directory.work
    if (!isSafeName(order.workdir)) throw new RoostError('UNIT_FAILED', 'its workdir leads out of the sandbox')
    const cwd = join(directory.work, order.workdir)
    await mkdir(cwd, { recursive: true, mode: 0o700 })
    return cwd
  }

  async #spawn(unit: Unit, cwd: string): Promise<void> {
    const { order } = unit
    const directory = unit.directory!
    const { means = {}, self } = this.#dependencies
    const isolator = order.isolate && means.isolator
    const [socket] = await Promise.all([this.#openSocket(unit), this.#makeCgroup(unit)])
    if (isolator?.user) await directory.give(isolator.user)
    const env = unitEnvironment(order, self, directory, socket?.path, isolator ? '/tmp' : directory.tmp)
    const outerPath = process.env['PATH'] ?? '/usr/bin:/bin'
    const { packed, unpack } = packEnvironment(env)
    const isMemoryHeld = unit.cgroup !== undefined && means.cgroups?.powers.has('memory')
    const shim = shimArguments({
      dir: directory.path,
      path: isolator ? outerPath : env['PATH']!,
      timeMs: order.limits.timeMs,
      memoryBytes: isMemoryHeld ? undefined : order.limits.memoryBytes,
      graceMs: this.#options.graceMs,
      run: order.run,
      isSubreaper: unit.cgroup === undefined && means.subreaper !== undefined,
      ...(unit.cgroup && { cgroup: unit.cgroup.shimLines }),
      ...(isolator && { wrapper: [...isolator.wrap(viewOf(unit, cwd)), ...unpack] }),
    })
    const subreaper = unit.cgroup === undefined ? (means.subreaper?.prefix ?? []) : []
    const [program, ...words] = [...subreaper, '/bin/sh', ...shim]
    const child = spawn(program!, words, {
      cwd,
      env: isolator ? { ...packed, PATH: outerPath, ROOST_SANDBOX: directory.work } : { ...env, PATH: outerPath },
      detached: true,
      stdio: 'ignore',
    })
    await new Promise<void>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new RoostError('UNIT_FAILED', `its process could not be made: ${cause.message}`, { cause })),
      )
      child.once('spawn', resolve)
    })
    unit.state = 'running'
    unit.isChild = true
    child.unref()
    child.once('exit', () => void this.#settle(unit))
    if (child.exitCode !== null || child.signalCode !== null) void this.#settle(unit)
    this.#watch()
  }

  /** A unit that cannot have one runs without: most never ask the daemon for anything. */
  async #openSocket(unit: Unit): Promise<UnitSocket | undefined> {
    const { serveJob, log } = this.#dependencies
    const { unitId, jobId } = unit.order
    if (serveJob === undefined) return undefined
    try {
      const isApart = unit.order.isolate !== undefined
      const serve = (path: string): Promise<JobSocket> => serveJob(path, { id: jobId, unit: unitId })
      unit.socket = await UnitSocket.open(unit.directory!, serve, { isApart })
      const user = isApart && this.#dependencies.means?.isolator?.user
      if (user) await unit.socket.give(user)
    } catch (cause) {
      log.warn({ unit: unitId, cause }, 'the unit has no socket to the daemon')
    }
    return unit.socket
  }

  /** A unit that cannot have one runs without, and its memory is held as it is where there are none. */
  async #makeCgroup(unit: Unit): Promise<void> {
    const { means, log } = this.#dependencies
    if (!needsCgroup(unit.order)) return
    const { cores, limits, unitId } = unit.order
    const directory = unit.directory!
    try {
      unit.cgroup = await means?.cgroups?.make(basename(directory.path), { cores, ...limits })
      if (unit.cgroup) await directory.writeCgroup(unit.cgroup.record)
    } catch (cause) {
      log.warn({ unit: unitId, cause }, 'the unit has no control group')
    }
  }

  async #removeCgroup(unit: Unit): Promise<void> {
    try {
      await unit.cgroup?.remove()
    } catch (cause) {
      this.#dependencies.log.warn({ unit: unit.order.unitId, cause }, 'the control group of a unit is left behind')
    }
  }

  /** Its first process, as soon as there is one; undefined where it has ended. */
  async #groupOf(unit: Unit): Promise<ProcessMark | undefined> {
    const giveUpMs = performance.now() + GROUP_WAIT_MS
    while (!hasEnded(unit)) {
      const group = unit.directory?.group
      if (group !== undefined) return group
      if (performance.now() > giveUpMs)
        throw new RoostError('UNIT_FAILED', `unit ${unit.order.unitId} has no process yet`, { certain: false })
      await new Promise((resolve) => setTimeout(resolve, GROUP_POLL_MS))
    }
    return undefined
  }

  /** Nobody waits for it to be known that a unit has ended until the grid knows that what it published is gone. */
  async #endSocket(unit: Unit): Promise<void> {
    try {
      await unit.socket?.end()
    } catch (cause) {
      this.#dependencies.log.warn({ unit: unit.order.unitId, cause }, 'what a unit published could not be taken back')
    }
    unit.directory?.removeSocket()
  }

  async #recoverUnit(unitId: UnitId, directory: UnitDirectory): Promise<RecoveredUnit | undefined> {
    if (this.#units.has(unitId)) return undefined
    const record = await directory.readOrder()
    if (record === undefined || directory.claim()) {
      // No order: it was not written whole, and the process comes after it. The claim: no shim will start it any more.
      const cgroup = cgroupOf(directory)
      if (directory.isClaimed) await this.#endRemains(unitId, directory, cgroup)
      await cgroup?.remove().catch(() => {})
      directory.remove()
      return record && { order: record.order, state: 'never-started' }
    }
    const unit = newUnit(record.order, 'running')
    unit.directory = directory
    unit.cgroup = cgroupOf(directory)
    this.#units.set(unitId, unit)
    const shim = directory.shim
    const known = directory.readExit() ?? directory.readVerdict()
    if (known === undefined && record.isFromThisBoot && shim !== undefined && isRunning(shim)) {
      await this.#openSocket(unit)
      this.#watch()
      return { order: record.order, state: 'running' }
    }
    const exit = await this.#end(unit, record.isFromThisBoot ? 'its shim was killed' : 'the machine was restarted')
    return { order: record.order, state: 'exited', exit }
  }

  /** The shim is gone: finds out how the unit ended, and tells. */
  async #settle(unit: Unit): Promise<void> {
    if (unit.state === 'ended' || this.#isClosed) return
    const exit = await this.#end(unit, 'its shim was killed')
    if (!this.#isClosed) this.#dependencies.onExit(unit.order.unitId, exit)
  }

  async #end(unit: Unit, whyVanished: string): Promise<UnitExit> {
    unit.state = 'ended'
    const directory = unit.directory!
    let exit = directory.readExit() ?? directory.readVerdict()
    if (exit === undefined) {
      const neverRan = directory.claim()
      if (!neverRan) await this.#endRemains(unit.order.unitId, directory, unit.cgroup)
      exit = neverRan
        ? { kind: 'unstartable', reason: 'its shim ended before the unit began' }
        : { kind: 'vanished', reason: `${whyVanished}; nobody saw how the unit ended` }
      await directory.writeExit(exit).catch((cause: unknown) => {
        this.#dependencies.log.warn({ unit: unit.order.unitId, cause }, 'verdict on a vanished unit not written')
      })
    }
    unit.usage = unit.cgroup?.usage()
    unit.cleared = this.#removeCgroup(unit)
    void this.#endSocket(unit)
    unit.ended.resolve()
    return exit
  }

  /** Where a shim died without a word: nothing of its unit may go on unwatched, since it may be started elsewhere. */
  async #endRemains(unitId: UnitId, directory: UnitDirectory, cgroup: Cgroup | undefined): Promise<void> {
    directory.declareDead()
    const group = directory.group
    try {
      await endProcesses(directory, cgroup)
    } catch (cause) {
      this.#dependencies.log.warn({ unit: unitId, cause }, 'something of a unit may go on unwatched')
    }
    if (group) signalGroup(group, 'SIGKILL')
  }

  #watch(): void {
    if (this.#isClosed) return
    this.#timer ??= setInterval(() => void this.#check(), CHECK_INTERVAL_MS).unref()
  }

  async #check(): Promise<void> {
    let runningCount = 0
    for (const unit of this.#units.values()) {
      if (unit.state !== 'running') continue
      runningCount++
      if (!unit.isChild && !isRunning(unit.directory!.shim!)) await this.#settle(unit)
      else await this.#boundOutput(unit)
    }
    if (runningCount === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  async #boundOutput(unit: Unit): Promise<void> {
    const directory = unit.directory!
    const nowMs = performance.now()
    if (unit.outputStoppedAtMs !== undefined) {
      if (nowMs - unit.outputStoppedAtMs >= this.#options.graceMs && directory.group)
        signalGroup(directory.group, 'SIGKILL')
      return
    }
    for (const name of ['stdout', 'stderr'] as const) {
      const { size } = await stat(directory.stream(name)).catch(() => ({ size: 0 }))
      if (size <= this.#options.outputBytesMax || unit.outputStoppedAtMs !== undefined) continue
      unit.outputStoppedAtMs = nowMs
      const line = `roost: ${name} is beyond ${this.#options.outputBytesMax} bytes; the unit is stopped\n`
      await appendFile(directory.stream('stderr'), line).catch(() => {})
      if (directory.group) signalGroup(directory.group, 'SIGXFSZ')
    }
  }
}

/**
 * Entering a group makes the kernel wait for all processors, some 10 ms, half of what a short unit takes altogether. So a unit is in one only
 * where that changes something: it has a limit that only a group can hold, or was promised more of the processor than others.
 */
function needsCgroup({ limits, cores }: UnitOrder): boolean {
  return limits.memoryBytes !== undefined || limits.processesCount !== undefined || cores > 1
}

function cgroupOf(directory: UnitDirectory): Cgroup | undefined {
  const record = directory.readCgroup()
  return record && reopen(record)
}

function viewOf({ directory, order, socket }: Unit, cwd: string): IsolatedView {
  const { work, tmp, view } = directory!
  return {
    work,
    tmp,
    cwd,
    root: view,
    socketDirectory: socket && dirname(socket.path),
    hasNetwork: order.isolate!.network,
  }
}

/** What fails because the unit ended meanwhile has not failed. */
async function unlessEnded(unit: Unit, action: Promise<void>): Promise<void> {
  try {
    await action
  } catch (thrown) {
    if (!hasEnded(unit) && isRunning(unit.directory!.shim!)) throw thrown
  }
}

/** A question of its own, since it changes while others wait. */
function hasEnded(unit: Unit): boolean {
  return unit.state === 'ended'
}

function newUnit(order: UnitOrder, state: Unit['state']): Unit {
  return {
    order,
    directory: undefined,
    state,
    preparation: new AbortController(),
    isChild: false,
    outputStoppedAtMs: undefined,
    socket: undefined,
    cgroup: undefined,
    usage: undefined,
    cleared: Promise.resolve(),
    ended: Promise.withResolvers<void>(),
  }
}
