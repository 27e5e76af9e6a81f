import { RoostError, type PeerId } from '../../overlay/index.ts'
import type { Host, NodeInfo } from '../../overlay/contract/index.ts'
import {
  explain,
  parseRoom,
  readDescription,
  standingOf,
  type Explained,
  type JobDescription,
  type JobId,
  type JobService,
  type NodeFacts,
  type Room,
} from '../protocol/index.ts'
import { boundedJson } from './bounded-body.ts'
import type { Controllers } from './controllers.ts'
import type { Asking, Jobs } from './jobs.ts'
import { passedOn } from './readers.ts'
import { whySchema, type NodeRoom, type Why } from './schemas.ts'

/** Nodes that one answer tells of. In a larger grid they are a sample, and the answer says so. */
export const WHY_NODES_MAX = 500
/** Of those in a sample, how many are looked for that match: they tell most. */
const MATCHING_COUNT = 100
/** How long nodes have to say what they are, and then to say what they have promised. */
const ASK_MS = 3_000
/** Busy nodes that are asked until when; of the others it is not told. */
const ROOMS_ASKED_MAX = 32
/** Answers under way at once on one node: each wakes hundreds of others. More are `BUSY`. */
const AT_ONCE_MAX = 4
/** A node's promises, and a whole answer of five hundred nodes with a long reason each. */
const ROOM_BYTES_MAX = 262_144
const WHY_BYTES_MAX = 4_194_304

export interface WhyDependencies {
  readonly self: PeerId
  readonly nodes: Host['nodes']
  readonly surroundings: Host['surroundings']
  readonly service: Pick<JobService, 'view' | 'refusals' | 'room'>
  readonly controllers: Pick<Controllers, 'ask' | 'resolve'>
  readonly jobs: Pick<Jobs, 'show'>
}

/** Why a job does not run: asks the nodes what they are at this moment, and sorts them by what stands in the way. */
export class WhyNot {
  readonly #dependencies: WhyDependencies
  #underWayCount = 0

  constructor(dependencies: WhyDependencies) {
    this.#dependencies = dependencies
  }

  /** Of a job, by its controller: that one knows who refused it. One that runs or has ended is told of in the headline alone. */
  async ofJob(prefix: string, asking: Asking): Promise<Why> {
    const { service, controllers, jobs, nodes } = this.#dependencies
    const { id, state, reason, description } = await jobs.show(prefix, asking)
    if (description === undefined)
      throw new RoostError(
        'DENIED',
        `only its owner may ask why job ${id} does not run: the answer tells what it asks for`,
        {
          hint: '`roost show JOB` says whose it is and how it stands',
        },
      )
    const view = service.view(id)
    if (view === undefined) {
      const { controller } = await controllers.resolve(id)
      const response = await controllers.ask(controller, `/jobs/${id}/why`, passedOn(asking))
      return whySchema.parse(await boundedJson(response, WHY_BYTES_MAX))
    }
    const job = { id, state, reason }
    const standing = standingOf(view, (node) => nodes.get(node)?.name || node)
    if (standing !== undefined) return { job, ...settled(standing, view.description) }
    return { job, ...whyOf(await this.#explain(view.description, asking, id)) }
  }

  /** Of a description that was not submitted. Only for who is at this node: another one asks its own. */
  async ofDescription(raw: unknown, asking: Asking): Promise<Why> {
    if (asking.caller.via === 'peer') throw new RoostError('DENIED', 'ask the node that you are at')
    return whyOf(await this.#explain(readDescription(raw), asking))
  }

  /** Of this node. */
  room(): NodeRoom {
    return structuredClone(this.#dependencies.service.room()) as NodeRoom
  }

  async #explain(description: JobDescription, { signal }: Asking, jobId?: JobId): Promise<Explained> {
    if (this.#underWayCount >= AT_ONCE_MAX)
      throw new RoostError('BUSY', 'others ask why, too, at this moment', { hint: 'try again in a few seconds' })
    this.#underWayCount++
    try {
      const { surroundings } = this.#dependencies
      const { facts, isWhole } = await this.#look(description, { jobId, signal })
      const coverage = { nodesCount: facts.length, isWhole }
      const first = explain(description, facts, { coverage, surroundings })
      const busy = first.nodes.filter(({ kind }) => kind === 'busy').slice(0, ROOMS_ASKED_MAX)
      if (busy.length === 0) return first
      const rooms = await this.#rooms(busy.map(({ id }) => id))
      const informed = facts.map((node) => (rooms.has(node.id) ? { ...node, room: rooms.get(node.id)! } : node))
      return explain(description, informed, { coverage, surroundings })
    } finally {
      this.#underWayCount--
    }
  }

  /** The nodes, those that do not answer included. */
  async #look(
    { where }: JobDescription,
    { jobId, signal }: { readonly jobId: JobId | undefined; readonly signal: AbortSignal },
  ): Promise<{ facts: readonly NodeFacts[]; isWhole: boolean }> {
    const { nodes, service, surroundings } = this.#dependencies
    const limits = { timeoutMs: ASK_MS, signal }
    const everyone = await nodes.find({ where: 'true', count: WHY_NODES_MAX }, limits)
    const isWhole = everyone.explanation.complete
    const fitting = isWhole ? [] : [await nodes.find({ where, count: MATCHING_COUNT }, limits)]
    const refusals = jobId === undefined ? new Map<never, never>() : service.refusals(jobId)
    const facts = new Map<PeerId, NodeFacts>()
    for (const { id, name, attributes } of [...fitting, everyone].flatMap(({ candidates }) => candidates)) {
      const refusal = refusals.get(id)
      facts.set(id, {
        id,
        name,
        state: 'alive',
        attributes,
        hasAnswered: true,
        ...(refusal && { refusal: { reason: refusal.reason, agoMs: surroundings.nowMs - refusal.atMs } }),
      })
    }
    const silent = new Set(everyone.rejections.filter(({ reason }) => reason === 'silent').map(({ id }) => id))
    for (const node of nodes.list())
      if (!facts.has(node.id) && (silent.has(node.id) || isAway(node))) facts.set(node.id, silentOne(node))
    return { facts: [...facts.values()].slice(0, WHY_NODES_MAX), isWhole: isWhole && facts.size <= WHY_NODES_MAX }
  }

  /** What these nodes have promised, as far as they say so. */
  async #rooms(ids: readonly PeerId[]): Promise<ReadonlyMap<PeerId, Room>> {
    const { self, service, controllers } = this.#dependencies
    const signal = AbortSignal.timeout(ASK_MS)
    const asked = await Promise.allSettled(
      ids.map(async (id): Promise<[PeerId, Room]> => {
        if (id === self) return [id, service.room()]
        return [id, parseRoom(await boundedJson(await controllers.ask(id, '/room', { signal }), ROOM_BYTES_MAX))]
      }),
    )
    return new Map(asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  }
}

function isAway({ state }: NodeInfo): boolean {
  return state === 'suspect' || state === 'dead'
}

function silentOne({ id, name, state, attributes }: NodeInfo): NodeFacts {
  return { id, name, state: state === 'left' ? 'dead' : state, attributes, hasAnswered: false }
}

function settled(headline: string, { nodes }: JobDescription): Omit<Why, 'job'> {
  return { headline, wantedCount: nodes, matchingCount: 0, groups: [], conditions: [], nodes: [], isWhole: true }
}

/** The same as the routes show it, none of it shared. */
function whyOf(explained: Explained): Why {
  return structuredClone(explained) as Why
}
