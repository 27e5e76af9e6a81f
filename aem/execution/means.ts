import { mkdir } from 'node:fs/promises'
import type { Log } from '../../overlay/contract/index.ts'
import { findCgroups, type CgroupDriver } from './cgroup/index.ts'
import { findIsolation, type Isolator } from './isolation/index.ts'
import { findSubreaper, type Subreaper } from './subreaper.ts'

/** What this machine gives to bound units, to stop them, to keep them apart and to find what they leave behind. None of it is needed to run them. */
export interface ExecutionMeans {
  readonly cgroups?: CgroupDriver | undefined
  /** For units that are in no control group. */
  readonly subreaper?: Subreaper | undefined
  readonly isolator?: Isolator | undefined
  /** Why there is no isolator, in words. */
  readonly isolationLacks?: string | undefined
}

/** Looks what works here, by trying it, and says once in the log what is found and what is not. `root` is where the sandboxes are; made if missing. */
export async function findMeans(root: string, log: Log): Promise<ExecutionMeans> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const [cgroups, isolation, subreaper] = await Promise.all([findCgroups(), findIsolation(root), findSubreaper()])
  log.info(
    {
      cgroups: cgroups.driver === undefined ? 'none' : `v${cgroups.driver.version}`,
      ...(cgroups.driver && { bounds: [...cgroups.driver.powers] }),
      strays: subreaper ? 'subreaper' : 'search',
      isolation: isolation.isolator?.name ?? 'none',
      lacks: [...cgroups.lacks, ...(isolation.lacks === undefined ? [] : [isolation.lacks])],
    },
    'how units are held',
  )
  return { cgroups: cgroups.driver, subreaper, isolator: isolation.isolator, isolationLacks: isolation.lacks }
}
