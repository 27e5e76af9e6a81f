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
  readField,
  readGroupFile,
  readNumber,
  removeGroup,
  tryToWrite,
  writeGroupFile,
} from './group-file.ts'

/**
 * cgroup v2 (Linux kernel documentation, admin-guide/cgroup-v2.rst): a group is one directory below `base`, with the files of those
 * controllers that `base` hands down. Freezing, ending and processor time are there without any.
 */
export class CgroupV2Driver implements CgroupDriver {
  readonly version = 2
  readonly powers: ReadonlySet<CgroupPower>
  readonly #base: string

  constructor(base: string) {
    this.#base = base
    const handedDown = new Set(readGroupFile(join(base, 'cgroup.subtree_control'))?.split(' '))
    this.powers = new Set<CgroupPower>([
      'freeze',
      ...(handedDown.has('memory') ? (['memory'] as const) : []),
      ...(handedDown.has('cpu') ? (['cpu'] as const) : []),
      ...(handedDown.has('pids') ? (['processes'] as const) : []),
    ])
  }

  async make(name: string, { cores, memoryBytes, processesCount }: CgroupLimits): Promise<Cgroup> {
    const directory = join(this.#base, name)
    await makeGroup(directory)
    const file = (leaf: string): string => join(directory, leaf)
    try {
      if (this.powers.has('cpu')) await writeGroupFile(file('cpu.weight'), weightOf(cores))
      if (this.powers.has('processes') && processesCount !== undefined)
        await writeGroupFile(file('pids.max'), processesCount)
      if (this.powers.has('memory') && memoryBytes !== undefined) {
        await writeGroupFile(file('memory.max'), memoryBytes)
        // What is swapped out counts nowhere else. Kernels without swap have no such file.
        await tryToWrite(file('memory.swap.max'), 0)
        // All of the unit or nothing: half of a unit is no use to anybody, and may hang.
        await tryToWrite(file('memory.oom.group'), 1)
      }
    } catch (thrown) {
      await removeGroup(directory)
      throw thrown
    }
    return new CgroupV2({ version: 2, directories: { unified: directory } })
  }
}

export class CgroupV2 implements Cgroup {
  readonly record: CgroupRecord
  readonly canFreeze = true
  readonly #directory: string

  constructor(record: CgroupRecord) {
    this.record = record
    this.#directory = record.directories['unified']!
  }

  get shimLines(): readonly ShimLine[] {
    return [
      ['enter', this.#file('cgroup.procs')],
      ['members', this.#file('cgroup.procs')],
      ['kill', this.#file('cgroup.kill')],
      ['oom', this.#file('memory.events')],
    ]
  }

  async freeze(): Promise<void> {
    await writeGroupFile(this.#file('cgroup.freeze'), 1)
    const isFrozen = (): boolean => readField(this.#file('cgroup.events'), 'frozen') === 1
    if (!(await holdsWithin(isFrozen, FREEZE_WAIT_MS))) throw new Error(`${this.#directory} does not freeze`)
  }

  async thaw(): Promise<void> {
    await writeGroupFile(this.#file('cgroup.freeze'), 0)
  }

  async kill(): Promise<void> {
    const hasMembers = (): boolean => readField(this.#file('cgroup.events'), 'populated') === 1
    if (!hasMembers()) return
    // Linux before 5.14 has no such file: frozen, nobody forks between the look and the signal.
    if (!(await tryToWrite(this.#file('cgroup.kill'), 1))) {
      await this.freeze().catch(() => {})
      for (const pid of membersOf(this.#directory)) endProcess(pid)
      await this.thaw()
    }
    if (!(await holdsWithin(() => !hasMembers(), KILL_WAIT_MS)))
      throw new Error(`${this.#directory} has members that do not end`)
  }

  usage(): CgroupUsage {
    const memoryPeakBytes = readNumber(this.#file('memory.peak'))
    const cpuUs = readField(this.#file('cpu.stat'), 'usage_usec')
    return {
      ...(memoryPeakBytes !== undefined && { memoryPeakBytes }),
      ...(cpuUs !== undefined && { cpuMs: cpuUs / 1_000 }),
    }
  }

  remove(): Promise<void> {
    return removeGroup(this.#directory)
  }

  #file(name: string): string {
    return join(this.#directory, name)
  }
}

/** `cpu.weight` goes from 1 to 10,000, and is 100 for who says nothing. */
function weightOf(cores: number): number {
  return Math.min(10_000, 100 * cores)
}
