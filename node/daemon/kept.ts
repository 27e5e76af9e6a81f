import type { AttributeValue, Plain } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import { decode, encode } from '../codec/index.ts'
import { DURABLE, mapDiskError, type DataDirectory, type Store } from '../data/index.ts'

/** What a node remembers of itself; each value is small, and a damaged one is as good as none. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

/** The daemon's own part of the database: what discovery wants back, and the labels that were set while it ran. */
export class Keepsakes {
  readonly #place: string
  readonly #store: Store
  readonly #log: Log

  constructor(data: DataDirectory, log: Log) {
    this.#place = data.path
    this.#store = data.store('node')
    this.#log = log
  }

  async discovery(): Promise<unknown> {
    return this.#read('discovery')
  }

  /** What cannot be kept is known again from others after the next start; the log says so. */
  async keepDiscovery(kept: Plain): Promise<void> {
    try {
      await this.#write('discovery', kept)
    } catch (cause) {
      this.#log.error({ cause }, 'what is known of the grid could not be kept on disk')
    }
  }

  async labels(): Promise<LabelChanges> {
    const read = (await this.#read('labels')) as Partial<LabelChanges> | undefined
    return { set: read?.set ?? {}, removed: read?.removed ?? [] }
  }

  /** Fails with `DISK_FULL` or `STORE_FAILED`. */
  keepLabels(labels: LabelChanges): Promise<void> {
    return this.#write('labels', { set: labels.set, removed: labels.removed })
  }

  async #read(key: string): Promise<unknown> {
    const bytes = await this.#store.get(key)
    if (bytes === undefined) return undefined
    try {
      return decode(bytes, { bytesMax: KEPT_BYTES_MAX })
    } catch (cause) {
      this.#log.warn({ key, cause }, 'what was kept is damaged, and left aside')
      return undefined
    }
  }

  async #write(key: string, value: Plain): Promise<void> {
    try {
      await this.#store.put(key, encode(value), DURABLE)
    } catch (cause) {
      throw mapDiskError(cause, this.#place)
    }
  }
}

/** Labels as `roost node label` changed them, over those of the configuration. */
export interface LabelChanges {
  readonly set: Readonly<Record<string, AttributeValue>>
  readonly removed: readonly string[]
}
