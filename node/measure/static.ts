import { statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Attributes, AttributeValue } from '../../overlay/index.ts'
import { measureGpus } from './gpus.ts'
import { measureMemory } from './memory.ts'
import { measurePlatform } from './platform.ts'
import { measureProcessors } from './processors.ts'
import { measureSoftware } from './software.ts'

export interface StaticOptions {
  /** Where sandboxes live; it exists. */
  readonly dataDir: string
  /** Programs to look for: a name on the PATH, or a path. */
  readonly software: readonly string[]
  /** What the operator says, `Site`, `Country` and `Zone` among it. It comes before what is measured. */
  readonly labels: Attributes
}

/**
 * What this machine is: the static attributes of the design's table that can be told here. What cannot be told is left
 * out, so that a query finds it `undefined` and not wrong. Takes as long as the programs asked for their versions, at
 * most `SOFTWARE_MS_MAX`.
 */
export async function measureStatic(options: StaticOptions): Promise<Attributes> {
  const [software, gpus, disk] = await Promise.all([
    measureSoftware(options.software, process.env['PATH'] ?? ''),
    measureGpus(),
    statfs(options.dataDir),
  ])
  const measured = {
    Hostname: hostname(),
    ...measureProcessors(),
    ...measureMemory(),
    Disk: disk.blocks * disk.bsize,
    ...gpus,
    ...measurePlatform(),
    Software: software,
  }
  return withLabels(measured, options.labels)
}

/** Attributes with the operator's labels over them. Names are the same whatever their case; the label's spelling stays. */
export function withLabels(attributes: Attributes, labels: Attributes): Attributes {
  const named = new Set(Object.keys(labels).map((name) => name.toLowerCase()))
  const kept: Record<string, AttributeValue> = {}
  for (const [name, value] of Object.entries(attributes)) if (!named.has(name.toLowerCase())) kept[name] = value
  return { ...kept, ...labels }
}
