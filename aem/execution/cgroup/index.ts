import type { Cgroup, CgroupRecord } from './cgroup.ts'
import { CgroupV1 } from './version-1.ts'
import { CgroupV2 } from './version-2.ts'

export type { Cgroup, CgroupDriver, CgroupLimits, CgroupPower, CgroupRecord, CgroupUsage, ShimLine } from './cgroup.ts'
export { findCgroups, type FoundCgroups } from './find.ts'

/** A group that was made in an earlier life of the daemon. */
export function reopen(record: CgroupRecord): Cgroup {
  return record.version === 1 ? new CgroupV1(record) : new CgroupV2(record)
}
