import { join } from 'node:path'
import {
  FREEZE_WAIT_MS,
  KILL_WAIT_MS,
  type Cgroup,
  type CgroupDriver,
  type CgroupLimits,
  type CgroupPower,
  type CgroupRecord,
  type CgroupUsage,
  type ShimLine,
} from './cgroup.ts'
import {
  endProcess,
  holdsWithin,
  makeGroup,
  membersOf,
  readGroupFile,
  readNumber,
  removeGroup,
  tryToWrite,
  writeGroupFile,
} from './group-file.ts'

/** The controllers of v1 that are of use here; each may have a tree of its own, or share one. */
export const V1_CONTROLLERS = ['freezer', 'memory', 'cpu', 'cpuacct', 'pids'] as const
export type V1Controller = (typeof V1_CONTROLLERS)[number]
export type V1Bases = Readonly<Partial<Record<V1Controller, string>>>

const POWERS: Readonly<Partial<Record<V1Controller, CgroupPower>>> = {
  freezer: 'freeze',
  memory: 'memory',
  cpu: 'cpu',
  pids: 'processes',
}

/**
 * cgroup v1 (Linux kernel documentation, admin-guide/cgroup-v1): a group is a directory below the base of each controller. A
 * unit is only in those that it has a use for: always the freezer and the two of the processor, which count its time; memory and processes
 * where these are limited.
 */
export class CgroupV1Driver implements CgroupDriver {
  readonly version = 1
  readonly powers: ReadonlySet<CgroupPower>
  readonly #bases: V1Bases

  /** `bases` has the freezer, or at least one other. */
  constructor(bases: V1Bases) {
    this.#bases = bases
    this.powers = new Set(V1_CONTROLLERS.flatMap((name) => (bases[name] && POWERS[name] ? [POWERS[name]] : [])))
  }

  async make(name: string, limits: CgroupLimits): Promise<Cgroup> {
    const directories: Partial<Record<V1Controller, string>> = {}
    for (const controller of V1_CONTROLLERS) {
      const base = this.#bases[controller]
      if (base !== undefined && isOfUse(controller, limits)) directories[controller] = join(base, name)
    }
    const made: string[] = []
    try {
      for (const directory of new Set(Object.values(directories))) {
        await makeGroup(directory)
        made.push(directory)
      }
      await setLimits(directories, limits)
    } catch (thrown) {
      for (const directory of made) await removeGroup(directory)
      throw thrown
    }
    return new CgroupV1({ version: 1, directories: directories as Record<string, string> })
  }
}

function isOfUse(controller: V1Controller, { memoryBytes, processesCount }: CgroupLimits): boolean {
  if (controller === 'memory') return memoryBytes !== undefined
  if (controller === 'pids') return processesCount !== undefined
  return true
}

async function setLimits(
  { cpu, memory, pids }: Partial<Record<V1Controller, string>>,
  { cores, memoryBytes, processesCount }: CgroupLimits,
): Promise<void> {
  if (cpu !== undefined) await writeGroupFile(join(cpu, 'cpu.shares'), sharesOf(cores))
  if (pids !== undefined && processesCount !== undefined) await writeGroupFile(join(pids, 'pids.max'), processesCount)
  if (memory !== undefined && memoryBytes !== undefined) {
    await writeGroupFile(join(memory, 'memory.limit_in_bytes'), memoryBytes)
    // Memory and swap together; kernels that do not count swap have no such file.
    await tryToWrite(join(memory, 'memory.memsw.limit_in_bytes'), memoryBytes)
  }
}

export class CgroupV1 implements Cgroup {
  readonly record: CgroupRecord
  readonly canFreeze: boolean

  constructor(record: CgroupRecord) {
    this.record = record
    this.canFreeze = record.directories['freezer'] !== undefined
  }

  get shimLines(): readonly ShimLine[] {
    const { freezer, memory } = this.record.directories
    return [
      ...this.#directories.map((directory): ShimLine => ['enter', join(directory, 'cgroup.procs')]),
      ['members', join(this.#directories[0]!, 'cgroup.procs')],
      ...(freezer ? ([['freezer', join(freezer, 'freezer.state')]] as const) : []),
      ...(memory ? ([['oom', join(memory, 'memory.oom_control')]] as const) : []),
    ]
  }

  async freeze(): Promise<void> {
    const file = this.#freezerState
    await writeGroupFile(file, 'FROZEN')
    // While something forks the state stays FREEZING, and another look makes the kernel try again.
    if (!(await holdsWithin(() => readGroupFile(file) === 'FROZEN', FREEZE_WAIT_MS)))
      throw new Error(`${file} does not become FROZEN`)
  }

  async thaw(): Promise<void> {
    await writeGroupFile(this.#freezerState, 'THAWED')
  }

  async kill(): Promise<void> {
    const directory = this.#directories[0]!
    const giveUpMs = performance.now() + KILL_WAIT_MS
    for (let members = membersOf(directory); members.length > 0; members = membersOf(directory)) {
      if (performance.now() > giveUpMs) throw new Error(`${directory} has members that do not end`)
      // Frozen, nobody forks between the look and the signal; the signal is taken when they thaw.
      if (this.canFreeze) await this.freeze().catch(() => {})
      for (const pid of membersOf(directory)) endProcess(pid)
      if (this.canFreeze) await this.thaw()
      await holdsWithin(() => membersOf(directory).length === 0, KILL_STEP_MS)
    }
  }

  usage(): CgroupUsage {
    const { memory, cpuacct } = this.record.directories
    const memoryPeakBytes = memory && readNumber(join(memory, 'memory.max_usage_in_bytes'))
    const cpuNs = cpuacct && readNumber(join(cpuacct, 'cpuacct.usage'))
    return {
      ...(typeof memoryPeakBytes === 'number' && { memoryPeakBytes }),
      ...(typeof cpuNs === 'number' && { cpuMs: cpuNs / 1_000_000 }),
    }
  }

  async remove(): Promise<void> {
    for (const directory of this.#directories) await removeGroup(directory)
  }

  get #directories(): readonly string[] {
    return [...new Set(Object.values(this.record.directories))]
  }

  get #freezerState(): string {
    return join(this.record.directories['freezer']!, 'freezer.state')
  }
}

/** How long those who were sent their end are given before they are looked at again. */
const KILL_STEP_MS = 100

/** `cpu.shares` goes from 2 to 262,144, and is 1,024 for who says nothing. */
function sharesOf(cores: number): number {
  return Math.min(262_144, 1_024 * cores)
}
