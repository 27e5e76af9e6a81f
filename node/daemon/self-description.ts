import type { Attributes, AttributeValue } from '../../overlay/index.ts'
import { measureStatic, withLabels } from '../measure/index.ts'
import type { Keepsakes, LabelChanges } from './kept.ts'
import type { DaemonOptions } from './options.ts'

/** What this node says of itself: what was measured, under the labels of the configuration, under those set since. */
export class SelfDescription {
  readonly #keepsakes: Keepsakes
  readonly #options: Pick<DaemonOptions, 'dataDir' | 'software' | 'labels'>
  #measured: Attributes = {}
  #changes: LabelChanges = { set: {}, removed: [] }

  constructor(keepsakes: Keepsakes, options: Pick<DaemonOptions, 'dataDir' | 'software' | 'labels'>) {
    this.#keepsakes = keepsakes
    this.#options = options
  }

  async load(): Promise<void> {
    this.#changes = await this.#keepsakes.labels()
    await this.measure()
  }

  /** Looks again: programs get installed, disks grow. */
  async measure(): Promise<void> {
    const { dataDir, software } = this.#options
    this.#measured = await measureStatic({ dataDir, software, labels: {} })
  }

  attributes(): Attributes {
    return described(this.#measured, this.#options.labels, this.#changes)
  }

  /** How it would be with these changes; nothing is changed. */
  preview(changes: LabelChanges): Attributes {
    return described(this.#measured, this.#options.labels, merged(this.#changes, changes))
  }

  /** On the disk first; when that fails, nothing is changed. */
  async change(changes: LabelChanges): Promise<void> {
    const now = merged(this.#changes, changes)
    await this.#keepsakes.keepLabels(now)
    this.#changes = now
  }
}

function described(measured: Attributes, configured: Attributes, { set, removed }: LabelChanges): Attributes {
  const gone = new Set(removed)
  const labels = Object.entries(configured).filter(([name]) => !gone.has(name.toLowerCase()))
  return withLabels(withLabels(measured, Object.fromEntries(labels)), set)
}

/** Attribute names are the same whatever their case. */
function merged(before: LabelChanges, change: LabelChanges): LabelChanges {
  const removed = new Set([...before.removed, ...change.removed.map((name) => name.toLowerCase())])
  const set: Record<string, AttributeValue> = {}
  for (const [name, value] of Object.entries(before.set)) if (!removed.has(name.toLowerCase())) set[name] = value
  const now = withLabels(set, change.set)
  for (const name of Object.keys(now)) removed.delete(name.toLowerCase())
  return { set: now as Record<string, AttributeValue>, removed: [...removed] }
}
