import type { PeerId, Service, Surroundings } from '../env/index.ts'
import { RoostError, asRoostError } from '../error/index.ts'
import { ExpressionCache } from '../live/index.ts'
import { RateLimit } from '../sampling/index.ts'
import type { ApplicationReply, ApplicationRequest } from './application-messages.ts'
import type { ApplicationEnv, ApplicationPorts } from './application-ports.ts'
import { ApplicationPublisher } from './application-publisher.ts'
import type { Publication, PublishOptions } from './application-publisher.ts'
import { ApplicationReader } from './application-reader.ts'
import type { FoundApplications, ResolveApplications } from './application-reader.ts'
import { checkApplicationRecord, isTakenBack, refusalOf } from './application-record.ts'
import type { PublicationFields, SignedApplicationRecord } from './application-record.ts'
import { ApplicationShelf, SHELF_LIMITS } from './application-shelf.ts'
import type { ShelfLimits } from './application-shelf.ts'

/**
 * The directory of applications: who publishes what, under the VO, for a time. A record is signed by its publisher and lies with a few
 * nodes, those nearest to the shard of its name; the DHT says who they are and no more. They take it from nobody but its
 * publisher, keep it no longer than it says, and answer questions for a name or an expression. So a record lives as long as
 * its publisher speaks for it, and ends at once where it is taken back, or its publisher is known to be gone.
 */

/**
 * Requests of one peer: so many at once, then one each so many milliseconds; more is `BUSY`. One takes some 15 ms at worst; to read
 * 10,000 applications takes some 160 of them.
 */
const REQUEST_BURST_COUNT = 400
const REQUEST_MS = 20

export class Applications implements Service<ApplicationRequest, ApplicationReply> {
  readonly #ports: ApplicationPorts
  readonly #surroundings: Surroundings
  readonly #shelf: ApplicationShelf
  readonly #expressions = new ExpressionCache()
  readonly #rateLimit = new RateLimit({ intervalMs: REQUEST_MS, burstCount: REQUEST_BURST_COUNT })
  #publisher: ApplicationPublisher | undefined
  #reader: ApplicationReader | undefined

  constructor(ports: ApplicationPorts, surroundings: Surroundings, limits: ShelfLimits = SHELF_LIMITS) {
    this.#ports = ports
    this.#surroundings = surroundings
    this.#shelf = new ApplicationShelf(surroundings, limits)
  }

  /** `env` is what serving this gave. */
  start(env: ApplicationEnv): void {
    const publisher = new ApplicationPublisher(this.#ports, env, (signed) => this.#shelf.put(signed))
    this.#publisher = publisher
    this.#reader = new ApplicationReader(this.#ports, env, {
      read: (request) => this.#shelf.page(request),
      published: () => publisher.list(),
    })
  }

  stop(): void {
    this.#publisher?.stop()
  }

  /** Records kept here for others and for this node. */
  get heldCount(): number {
    return this.#shelf.count
  }

  /** What this node publishes now. */
  published(): readonly SignedApplicationRecord[] {
    return (this.#publisher?.list() ?? []).filter(({ record }) => !isTakenBack(record))
  }

  /** Publishes, or replaces what has the same name and instance. Rejects as `ApplicationPublisher.publish` does. */
  async publish(fields: PublicationFields, options: PublishOptions = {}): Promise<SignedApplicationRecord> {
    if (fields.endpoints.length === 0) throw new RoostError('APPLICATION_INVALID', 'an application has an endpoint')
    return await this.#started(this.#publisher).publish(fields, options)
  }

  /** Takes back what this node published under this name and instance, in this life or an earlier one. */
  async takeBack(publication: Publication): Promise<void> {
    await this.#started(this.#publisher).takeBack(publication)
  }

  /** What is published under a name, of one owner or of all, by living publishers, in random order; none is no error. */
  async resolve(name: string, options: ResolveApplications): Promise<readonly SignedApplicationRecord[]> {
    return await this.#started(this.#reader).resolve(name, options)
  }

  /** Applications that an expression over their attributes is true of. `EXPRESSION_MALFORMED` where it is none. */
  async find(
    where: string,
    options: Omit<Parameters<ApplicationReader['find']>[0], 'where' | 'text'>,
  ): Promise<FoundApplications> {
    return await this.#started(this.#reader).find({ ...options, where: this.#expressions.parse(where), text: where })
  }

  answer(from: PeerId, request: ApplicationRequest): ApplicationReply {
    if (!this.#rateLimit.allows(from, this.#surroundings.nowMs))
      throw new RoostError('BUSY', 'too many requests from one node')
    if (request.type === 'put')
      return { type: 'taken', refusals: request.records.map((signed) => this.#take(from, signed)) }
    const { type: _, where, ...rest } = request
    const expression = where === undefined ? undefined : this.#expressions.parse(where)
    return { type: 'page', ...this.#shelf.page({ ...rest, ...(expression !== undefined && { where: expression }) }) }
  }

  /** An empty text, or the code of why it is not kept. */
  #take(from: PeerId, signed: SignedApplicationRecord): string {
    const { vo, checkMember, onRefused } = this.#ports
    try {
      // Nobody puts another's record: neither an older one again, nor one that was taken back.
      if (signed.record.publisher !== from) throw new RoostError('SIGNATURE_INVALID', "another node's record")
      checkApplicationRecord(signed, { surroundings: this.#surroundings, vo, checkMember })
    } catch (thrown) {
      onRefused(from, refusalOf(thrown))
      return asRoostError(thrown).code
    }
    try {
      this.#shelf.put(signed)
      return ''
    } catch (thrown) {
      return asRoostError(thrown).code
    }
  }

  #started<Part>(part: Part | undefined): Part {
    if (part === undefined) throw new RoostError('BUSY', 'this node is still starting')
    return part
  }
}
