import type { Log } from '../../overlay/contract/index.ts'
import { parseSignedStatement, type MemberStatement, type Plain, type PublicationFields } from '../../overlay/index.ts'
import { checkPublication } from '../../overlay/index.ts'
import { decode, encode } from '../codec/index.ts'
import { DURABLE, mapDiskError, type DataDirectory, type Store } from '../data/index.ts'

/** A publication with its fields and two statements is below 16 KB. */
const PUBLICATION_BYTES_MAX = 65_536

/** For whom this node publishes: its user, a plugin, or a unit of a job. It ends with a plugin or a unit. */
export type Owner =
  | { readonly type: 'node' }
  | { readonly type: 'plugin'; readonly plugin: string }
  | { readonly type: 'unit'; readonly unit: string; readonly job: string }

export interface KeptPublication {
  readonly fields: PublicationFields
  readonly owner: Owner
  readonly statement?: MemberStatement
}

/** What this node is to publish, on disk: a daemon that comes back goes on with it. */
export class PublicationStore {
  readonly #place: string
  readonly #store: Store
  readonly #log: Log

  constructor(data: DataDirectory, log: Log) {
    this.#place = data.path
    this.#store = data.store('applications')
    this.#log = log
  }

  /** All that can be read; what is damaged is left aside. */
  async list(): Promise<readonly KeptPublication[]> {
    const kept: KeptPublication[] = []
    for await (const [key, bytes] of this.#store.iterator()) {
      try {
        kept.push(parse(decode(bytes, { bytesMax: PUBLICATION_BYTES_MAX })))
      } catch (cause) {
        this.#log.warn({ key, cause }, 'a publication on disk is damaged, and left aside')
      }
    }
    return kept
  }

  /** Fails with `DISK_FULL` or `STORE_FAILED`. */
  async put(kept: KeptPublication): Promise<void> {
    await this.#guarded(() => this.#store.put(keyOf(kept.fields), encode(kept as unknown as Plain), DURABLE))
  }

  async delete(fields: Pick<PublicationFields, 'name' | 'instance'>): Promise<void> {
    await this.#guarded(() => this.#store.del(keyOf(fields), DURABLE))
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (cause) {
      throw mapDiskError(cause, this.#place)
    }
  }
}

function keyOf({ name, instance }: Pick<PublicationFields, 'name' | 'instance'>): string {
  return `${name} ${instance}`
}

function parse(value: unknown): KeptPublication {
  const { fields, owner, statement } = value as Record<keyof KeptPublication, unknown>
  return {
    fields: checkPublication(fields),
    owner: owner as Owner,
    ...(statement !== undefined && { statement: parseSignedStatement(statement) }),
  }
}
