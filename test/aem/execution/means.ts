import { readFileSync } from 'node:fs'
import { findCgroups } from '../../../aem/execution/cgroup/find.ts'
import type { ExecutionMeans } from '../../../aem/execution/index.ts'
import { findSubreaper } from '../../../aem/execution/subreaper.ts'

/** What this machine has to hold units with, each for itself. */

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Only trees of this generation are looked at, where a machine has both. */
const cgroupsOf = async (version: 1 | 2): Promise<ExecutionMeans['cgroups']> => {
  const type = version === 1 ? ' - cgroup ' : ' - cgroup2 '
  const mounts = read('/proc/self/mountinfo').split('\n')
  const found = await findCgroups({
    mounts: mounts.filter((line) => line.includes(type)).join('\n'),
    memberships: read('/proc/self/cgroup'),
  })
  return found.driver
}

export const cgroupsV1 = await cgroupsOf(1)
export const cgroupsV2 = await cgroupsOf(2)
export const subreaper = await findSubreaper()

export interface NamedMeans {
  readonly name: string
  readonly means: ExecutionMeans
}

/** Each way of holding units that works here; that without any help works everywhere. */
export const allMeans: readonly NamedMeans[] = [
  ...(cgroupsV1 ? [{ name: 'cgroup v1', means: { cgroups: cgroupsV1 } }] : []),
  ...(cgroupsV2 ? [{ name: 'cgroup v2', means: { cgroups: cgroupsV2 } }] : []),
  ...(subreaper ? [{ name: 'a subreaper', means: { subreaper } }] : []),
  { name: 'a search', means: {} },
]

/** Said once where something is not tested, so that nobody takes silence for success. */
for (const [name, found] of Object.entries({ 'cgroup v1': cgroupsV1, 'cgroup v2': cgroupsV2, subreaper }))
  if (!found) console.warn(`${name} cannot be had here: its tests are skipped`)
