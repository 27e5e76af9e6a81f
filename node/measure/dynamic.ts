import { statfsSync } from 'node:fs'
import { freemem, loadavg } from 'node:os'
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
    // Within the cgroup's limit, and within what the machine has with the caches that its kernel would give up.
    FreeMemory: Math.min(process.availableMemory(), freemem()),
    FreeDisk: disk.bavail * disk.bsize,
    Production: production,
  }
}
