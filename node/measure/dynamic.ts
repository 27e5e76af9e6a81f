import { statfsSync } from 'node:fs'
import { loadavg } from 'node:os'
import type { Attributes } from '../../overlay/index.ts'

export interface DynamicOptions {
  /** Where sandboxes live; it exists. */
  readonly dataDir: string
  /** Whether the node takes work. */
  readonly production: boolean
}

/** What this machine has to give just now. A few system calls, so that it can be measured anew for each query. */
export function measureDynamic({ dataDir, production }: DynamicOptions): Attributes {
  const disk = statfsSync(dataDir)
  return {
    Load: loadavg()[0]!,
    /** What this process could still take: within its cgroup's limit, and with the caches that the kernel would give up. */
    FreeMemory: process.availableMemory(),
    FreeDisk: disk.bavail * disk.bsize,
    Production: production,
  }
}
