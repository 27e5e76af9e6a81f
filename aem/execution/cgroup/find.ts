import { constants } from 'node:fs'
import { access, mkdir, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CgroupDriver } from './cgroup.ts'
import { membersOf, readGroupFile, tryToWrite } from './group-file.ts'
import { CgroupV1Driver, V1_CONTROLLERS, type V1Bases, type V1Controller } from './version-1.ts'
import { CgroupV2Driver } from './version-2.ts'

/**
 * Which control groups this process may make. Groups are made below the one that the daemon itself is in, so that whatever bounds the daemon
 * bounds its units, and so that a daemon without privileges may use what its service manager delegated to it. What may be written is
 * tried, not guessed: permissions, name spaces and read-only mounts all have their say.
 */

export interface FoundCgroups {
  /** Undefined where there is none to be had. */
  readonly driver: CgroupDriver | undefined
  /** Why there is none, or not all of it, in words. */
  readonly lacks: readonly string[]
}

/** The group of all units, below the daemon's. */
const UNITS_NAME = 'roost-units'
/** Where a daemon goes that was put into the very group which it may divide: v2 wants processes only at the leaves. */
const DAEMON_NAME = 'roost-daemon'

export interface CgroupPlaces {
  /** As `/proc/self/mountinfo`. */
  readonly mounts: string
  /** As `/proc/self/cgroup`. */
  readonly memberships: string
}

export async function findCgroups(places: CgroupPlaces | undefined = readPlaces()): Promise<FoundCgroups> {
  if (places === undefined) return { driver: undefined, lacks: ['this system has no control groups'] }
  const trees = treesOf(places)
  const v1 = await findVersion1(trees)
  const v2Directory = trees.get('')
  // Where both are mounted, the controllers are in the trees of v1, and v2 has what is left: nothing, mostly.
  const driver = v1 ?? (v2Directory === undefined ? undefined : await findVersion2(v2Directory))
  if (driver === undefined)
    return {
      driver,
      lacks: ['control groups cannot be made here: run as root, or under systemd with `Delegate=yes`'],
    }
  const powers = ['memory', 'cpu', 'processes', 'freeze'] as const
  return {
    driver,
    lacks: powers.filter((power) => !driver.powers.has(power)).map((power) => `no control group bounds ${power}`),
  }
}

function readPlaces(): CgroupPlaces | undefined {
  const mounts = readGroupFile('/proc/self/mountinfo')
  const memberships = readGroupFile('/proc/self/cgroup')
  return mounts === undefined || memberships === undefined ? undefined : { mounts, memberships }
}

/** The directory of this process's group by controller; that of v2 by the empty name. */
export function treesOf({ mounts, memberships }: CgroupPlaces): Map<string, string> {
  const paths = new Map<string, string>()
  for (const line of memberships.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (names !== undefined && path !== undefined) for (const name of names.split(',')) paths.set(name, path)
  }
  const trees = new Map<string, string>()
  for (const line of mounts.split('\n')) {
    // proc(5): id, parent, device, root, mount point, options, optional fields, `-`, type, source, super options.
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', mountPoint = ''] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    const names = type === 'cgroup2' ? [''] : type === 'cgroup' ? options.split(',') : []
    for (const name of names) {
      const path = paths.get(name)
      // A name with an escape in it (a space, say) is left alone: the shim reads names as they stand.
      if (path === undefined || trees.has(name) || mountPoint.includes('\\')) continue
      const below = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
      trees.set(name, join(mountPoint, below).replace(/\/$/, ''))
    }
  }
  return trees
}

async function findVersion1(trees: ReadonlyMap<string, string>): Promise<CgroupDriver | undefined> {
  const bases: Partial<Record<V1Controller, string>> = {}
  for (const controller of V1_CONTROLLERS) {
    const own = trees.get(controller)
    const base = own && join(own, UNITS_NAME)
    if (base && (await canDivide(base))) bases[controller] = base
  }
  return bases.freezer || bases.memory || bases.pids ? new CgroupV1Driver(bases as V1Bases) : undefined
}

async function findVersion2(own: string): Promise<CgroupDriver | undefined> {
  const divided = basename(own) === DAEMON_NAME ? dirname(own) : own
  const base = join(divided, UNITS_NAME)
  if (!(await canDivide(base)) || !(await canWrite(join(divided, 'cgroup.procs')))) return undefined
  if (divided === own) await leave(own)
  for (const directory of [divided, base])
    for (const controller of ['memory', 'cpu', 'pids'])
      await tryToWrite(join(directory, 'cgroup.subtree_control'), `+${controller}`)
  return new CgroupV2Driver(base)
}

/** Goes where it is in nobody's way, if it is alone; the group at the top may have members and groups. */
async function leave(own: string): Promise<void> {
  const isTop = readGroupFile(join(own, 'cgroup.type')) === undefined
  const members = membersOf(own)
  if (isTop || members.length !== 1 || members[0] !== process.pid) return
  const leaf = join(own, DAEMON_NAME)
  await makeUnlessThere(leaf)
  await tryToWrite(join(leaf, 'cgroup.procs'), process.pid)
}

/** Who moves a process needs to write in the group that is above both where it was and where it goes. */
async function canWrite(file: string): Promise<boolean> {
  try {
    await access(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whether groups can be made below `base`, which is made where it is missing; it is shared by the daemons of a machine. */
async function canDivide(base: string): Promise<boolean> {
  const trial = join(base, `trial-${process.pid}-${performance.now()}`)
  try {
    await makeUnlessThere(base)
    await mkdir(trial)
    await rmdir(trial)
    return true
  } catch {
    return false
  }
}

async function makeUnlessThere(directory: string): Promise<void> {
  try {
    await mkdir(directory)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
}
