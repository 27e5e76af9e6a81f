import type {
  Application,
  ApplicationDirectory,
  Caller,
  Log,
  NodeState,
  Publication,
  Trust,
} from '../../overlay/contract/index.ts'
import {
  APPLICATION_TTL_MS_DEFAULT,
  Applications,
  INSTANCE_DEFAULT,
  PUBLISH_ACTION,
  RoostError,
  applicationsWire,
  asRoostError,
  checkPublication,
  ownerOf,
  type Discovery,
  type PeerId,
  type PublicationFields,
  type SignedApplicationRecord,
} from '../../overlay/index.ts'
import type { DataDirectory } from '../data/index.ts'
import type { Network } from '../net/index.ts'
import { PublicationStore, type KeptPublication, type Owner } from './publications.ts'

/** Publications of one unit of a job; an array of a thousand units has enough. */
const PER_UNIT_COUNT_MAX = 16
/** How long looking for a name may take; holders answer in milliseconds. */
const RESOLVE_MS = 5_000
const KNOWN_MS = 250

export interface ApplicationParts {
  readonly data: DataDirectory
  readonly network: Network
  readonly discovery: Discovery
  readonly trust: Trust
  readonly log: Log
}

/**
 * The directory of applications as this daemon has it: who asked for a publication owns it, and a daemon that comes back goes on
 * with what it published, which is on disk when publishing has been acknowledged. Units of jobs speak for themselves again once their
 * sockets are open; what those published that have ended meanwhile is taken back.
 */
export class DaemonApplications {
  readonly #parts: ApplicationParts
  readonly #directory: Applications
  readonly #store: PublicationStore
  readonly #kept = new Map<string, KeptPublication>()
  #known: { readonly atMs: number; readonly ids: readonly PeerId[] } = { atMs: -Infinity, ids: [] }
  /** Of units that ran when the daemon ended, and have not been heard of since. */
  #waiting: KeptPublication[] = []

  private constructor(parts: ApplicationParts) {
    this.#parts = parts
    const { network, discovery, trust, data, log } = parts
    this.#store = new PublicationStore(data, log)
    this.#directory = new Applications(
      {
        vo: trust.vo,
        closest: (key, count) =>
          network.closest(key, {
            count,
            known: this.#living(),
            except: (peer) => isGone(discovery.get(peer)?.state),
          }),
        isGone: (peer) => isGone(discovery.get(peer)?.state),
        checkMember: (statement) => trust.check(statement, PUBLISH_ACTION, { fresh: false }),
        onRefused: (peer, reason) => network.blame(peer, { protocol: 'applications', reason }),
      },
      network.surroundings,
    )
    this.#directory.start(network.serve(applicationsWire, this.#directory))
  }

  /** Serves the directory, and goes on with what an earlier life of this daemon published. */
  static async start(parts: ApplicationParts): Promise<DaemonApplications> {
    const applications = new DaemonApplications(parts)
    for (const kept of await applications.#store.list())
      if (kept.owner.type === 'node') applications.#resume(kept)
      else applications.#waiting.push(kept)
    return applications
  }

  stop(): void {
    this.#directory.stop()
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      application_records_count: this.#directory.heldCount,
      publications_count: this.#directory.published().length,
    }
  }

  /** What this node publishes now. */
  published(): readonly SignedApplicationRecord[] {
    return this.#directory.published()
  }

  /** Records of living publishers, of one owner or of all. */
  resolve(
    name: string,
    { timeoutMs = RESOLVE_MS, owner }: { readonly timeoutMs?: number; readonly owner?: string } = {},
  ): Promise<readonly SignedApplicationRecord[]> {
    return this.#directory.resolve(name, { timeoutMs, ...(owner !== undefined && { owner }) })
  }

  /** The directory as one owner may use it: everybody reads all, and removes or replaces only their own; the node's user everything. */
  of(owner: Owner): ApplicationDirectory {
    return {
      publish: (publication) => this.#publish(publication, owner),
      remove: (name, options) => this.#remove(name, options?.instance, owner),
      resolve: async (name, options) => (await this.resolve(name, options)).map(applicationOf),
      find: async (where, options) => {
        const { records, isComplete } = await this.#directory.find(where, options)
        return { applications: records.map(applicationOf), isComplete }
      },
    }
  }

  /** The same for who sent a request: a unit has its own, everybody else acts for this node's user. */
  for(caller: Caller): ApplicationDirectory {
    return this.of(
      caller.job === undefined ? { type: 'node' } : { type: 'unit', unit: caller.job.unit, job: caller.job.id },
    )
  }

  /** A unit that ran before this daemon started still runs: what it published is published again. */
  adopt(unit: string): void {
    const isOfUnit = ({ owner }: KeptPublication): boolean => owner.type === 'unit' && owner.unit === unit
    for (const kept of this.#waiting.filter(isOfUnit)) this.#resume(kept)
    this.#waiting = this.#waiting.filter((kept) => !isOfUnit(kept))
  }

  /** Every unit that still runs has been adopted: the others have ended. */
  async forgetOthers(): Promise<void> {
    for (const kept of this.#waiting.splice(0))
      await this.#takeBack(kept).catch((error: unknown) => {
        this.#parts.log.warn({ application: kept.fields.name, error }, 'an old publication could not be taken back')
      })
  }

  /** Takes back all that an owner published. */
  async end(owner: Owner): Promise<void> {
    const own = [...this.#kept.values()].filter((kept) => isSame(kept.owner, owner))
    await Promise.all(own.map((kept) => this.#takeBack(kept)))
  }

  /** Nodes that are not known to be gone. Looked up anew after a moment: sixteen shards may ask at once, each second. */
  #living(): readonly PeerId[] {
    const { discovery, network } = this.#parts
    const { nowMs } = network.surroundings
    if (nowMs - this.#known.atMs >= KNOWN_MS)
      this.#known = { atMs: nowMs, ids: discovery.list().flatMap(({ id, state }) => (isGone(state) ? [] : [id])) }
    return this.#known.ids
  }

  async #publish(publication: Publication, owner: Owner): Promise<Application> {
    const { statement } = publication
    const fields = checkPublication({
      name: publication.name,
      instance: publication.instance ?? instanceOf(owner),
      endpoints: publication.endpoints,
      attributes: publication.attributes ?? {},
      ttlMs: publication.ttlMs ?? APPLICATION_TTL_MS_DEFAULT,
    })
    this.#demandOwn(fields, owner)
    const kept: KeptPublication = { fields, owner, ...(statement !== undefined && { statement }) }
    const replaced = this.#kept.get(keyOf(fields))
    try {
      return applicationOf(await this.#tell(kept))
    } catch (thrown) {
      // Where only nobody has taken it yet, they will be told again; all else leaves what was.
      if (asRoostError(thrown).code !== 'RECORD_REFUSED') this.#forget(kept, replaced)
      throw thrown
    } finally {
      await this.#keep(kept)
    }
  }

  async #remove(name: string, instance: string | undefined, owner: Owner): Promise<void> {
    const named = [...this.#kept.values()].filter(
      ({ fields }) => fields.name === name && (instance === undefined || fields.instance === instance),
    )
    if (named.length === 0)
      throw new RoostError('APPLICATION_NOT_FOUND', `this node does not publish ${name}`, {
        hint: '`roost app find` shows which node does; it is removed there',
      })
    const own = named.filter((kept) => owner.type === 'node' || isSame(kept.owner, owner))
    if (own.length === 0) throw new RoostError('DENIED', `${name} was published by somebody else`)
    await Promise.all(own.map((kept) => this.#takeBack(kept)))
  }

  #demandOwn(fields: PublicationFields, owner: Owner): void {
    const known = this.#kept.get(keyOf(fields))
    if (known !== undefined && owner.type !== 'node' && !isSame(known.owner, owner))
      throw new RoostError('CONFLICT', `${fields.name} is published here by somebody else`, {
        hint: 'choose another name or another instance',
      })
    if (known !== undefined || owner.type !== 'unit') return
    const ofUnit = [...this.#kept.values()].filter((kept) => isSame(kept.owner, owner))
    if (ofUnit.length >= PER_UNIT_COUNT_MAX)
      throw new RoostError('BUSY', `a unit publishes at most ${PER_UNIT_COUNT_MAX} applications`)
  }

  async #tell(kept: KeptPublication): Promise<SignedApplicationRecord> {
    const { fields, owner, statement } = kept
    this.#kept.set(keyOf(fields), kept)
    return await this.#directory.publish(fields, {
      ...(owner.type === 'unit' && { job: owner.job }),
      ...(statement !== undefined && { statement }),
    })
  }

  #resume(kept: KeptPublication): void {
    const { fields, owner, statement } = kept
    this.#tell(kept).catch((error: unknown) => {
      this.#parts.log.warn(
        { application: fields.name, error },
        'a publication of an earlier life was not taken at once',
      )
      // One that no node took is told again and again.
      if (asRoostError(error).code === 'RECORD_REFUSED') return
      this.#kept.delete(keyOf(fields))
      // The member's certificate may have ended meanwhile: the node alone goes on saying it.
      if (statement !== undefined) this.#resume({ fields, owner })
    })
  }

  /** A plugin publishes anew when it starts; what else is published now is to be published after a restart. */
  async #keep(kept: KeptPublication): Promise<void> {
    const isPublished = this.#kept.get(keyOf(kept.fields)) === kept
    if (isPublished && kept.owner.type !== 'plugin') await this.#store.put(kept)
  }

  #forget({ fields }: KeptPublication, replaced: KeptPublication | undefined): void {
    if (replaced === undefined) this.#kept.delete(keyOf(fields))
    else this.#kept.set(keyOf(fields), replaced)
  }

  async #takeBack({ fields, owner, statement }: KeptPublication): Promise<void> {
    this.#kept.delete(keyOf(fields))
    await this.#store.delete(fields)
    await this.#directory.takeBack({
      ...fields,
      ...(owner.type === 'unit' && { job: owner.job }),
      ...(statement !== undefined && { member: statement.signer }),
    })
  }
}

function isGone(state: NodeState | undefined): boolean {
  return state === 'dead' || state === 'left'
}

export function applicationOf({ record }: SignedApplicationRecord): Application {
  const { vo: _, sequence: __, ...application } = record
  return { ...application, owner: ownerOf(record) }
}

function instanceOf(owner: Owner): string {
  return owner.type === 'unit' ? owner.unit : INSTANCE_DEFAULT
}

function isSame(left: Owner, right: Owner): boolean {
  if (left.type === 'unit') return right.type === 'unit' && left.unit === right.unit
  if (left.type === 'plugin') return right.type === 'plugin' && left.plugin === right.plugin
  return right.type === 'node'
}

function keyOf({ name, instance }: Pick<PublicationFields, 'name' | 'instance'>): string {
  return `${name} ${instance}`
}
