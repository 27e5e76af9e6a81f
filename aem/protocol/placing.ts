import { asRoostError, shuffle, type PeerId } from '../../overlay/index.ts'
import { inBackground, isStopping, reasonOf, surely } from './background.ts'
import { promisedBytes, requirementOf, type JobDescription } from './description.ts'
import type { JobHappening } from './events.ts'
import { unitIdOf } from './ids.ts'
import type { JobRecord } from './job-record.ts'
import type { JobView } from './job-view.ts'
import type { JobReply, JobRequest } from './messages.ts'
import { outcomeOf } from './outcome.ts'
import type { FindAnswer, JobWorld, NodesPort } from './ports.ts'
import { shorten } from './shapes.ts'
import type { Tenure } from './tenure.ts'
import { AVOID_MS, FIND_MS, HOLD_MS } from './timing.ts'
import { Places } from './waiting.ts'

/** Nodes asked for beyond those needed, to stand in where one refuses. */
const SPARE_COUNT = 4

/** Requests of one placing under way at once. */
const ASKED_AT_ONCE = 32

/** How often a confirmation is asked for when no answer comes; after that the attempt is given up. */
const CONFIRM_TRIES = 2

/**
 * Puts a job on nodes, whole or not at all.
 *
 * Two-phase commit (Gray, "Notes on Data Base Operating Systems", 1978), with a cheap round before it. First every chosen node is asked to
 * *hold* room: in memory, for a time, refused at once where there is none. Nobody ever waits while holding, and who fails lets go and
 * comes back after a random while, so competing gangs cannot deadlock. Only with every hold in hand is the attempt written down
 * (`matched`) and every node asked to *confirm*, which binds it. All confirmed: `placed` is written, and from then on the job starts,
 * whoever crashes. One not: `queued` is written, and then everybody is told to let go. A node that confirmed and hears nothing asks, and
 * the controller's log has the answer.
 */
export class Placer {
  readonly #world: JobWorld
  readonly #nodes: NodesPort
  readonly #tenure: Tenure
  /** Nodes that would not confirm a job, for reasons that stay, and until when they are not asked again. */
  readonly #avoided = new WeakMap<JobRecord, Map<PeerId, number>>()

  constructor(world: JobWorld, nodes: NodesPort, tenure: Tenure) {
    this.#world = world
    this.#nodes = nodes
    this.#tenure = tenure
  }

  /** One attempt. Afterwards the job is placed or ended, or the result says why it has to wait. */
  async attempt(job: JobRecord): Promise<string | undefined> {
    const attempt = job.view.attempt + 1
    const found = await this.#find(job)
    if (typeof found === 'string') return found
    const held = await this.#holdAll(job, attempt, found)
    if (typeof held === 'string') return held
    const isMatched = await job.append((view) =>
      view.cancelling ? undefined : { type: 'matched', attempt, nodes: held },
    )
    if (!isMatched) {
      this.#letGo(job, attempt, held, 'the job was cancelled')
      return undefined
    }
    const reason = await this.#confirmAll(job, attempt, held)
    await surely(this.#world, job.id, () => job.append((view) => decided(view, reason)))
    if (job.view.placement !== 'placed') this.#letGo(job, attempt, held, job.view.reason)
    return undefined
  }

  /** Enough nodes, best first; or why there are not. */
  async #find(job: JobRecord): Promise<readonly PeerId[] | string> {
    const { description } = job.view
    const { nodes: count, rank } = description
    const except = this.#avoidedBy(job)
    const query = { where: whereOf(description), count: count + SPARE_COUNT, ...(rank !== undefined && { rank }) }
    try {
      const answer = await this.#nodes.find(query, { timeoutMs: FIND_MS, except })
      if (answer.candidates.length < count) return shortageOf(count, answer, except.size)
      return answer.candidates.map((candidate) => candidate.id)
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      return `the search for nodes failed: ${reasonOf(thrown)}`
    }
  }

  /** A node for each unit that holds room for it; or why not, with everything let go again. */
  async #holdAll(job: JobRecord, attempt: number, found: readonly PeerId[]): Promise<readonly PeerId[] | string> {
    const { description } = job.view
    const spares = found.slice(description.nodes)
    const nodes = found.slice(0, description.nodes)
    const refusals: string[] = []
    let missing = shuffle([...nodes.keys()], this.#world.surroundings.rng)
    while (missing.length > 0) {
      const refused: number[] = []
      await this.#each(missing, async (index) => {
        const node = nodes[index]!
        const refusal = await this.#ask(node, {
          type: 'hold',
          unitId: unitIdOf(job.id, attempt, index),
          cores: description.cores,
          memoryBytes: promisedBytes(description),
          holdMs: HOLD_MS,
        })
        if (refusal === undefined) return
        refused.push(index)
        refusals.push(`${node}: ${refusal.reason}`)
      })
      if (refused.length > spares.length) {
        this.#letGo(job, attempt, nodes, 'the gang could not be gathered')
        return `no room for ${description.nodes} units at once (${refusals.join('; ')})`
      }
      for (const index of refused) nodes[index] = spares.shift()!
      missing = refused
    }
    return nodes
  }

  /** Binds every node; or why one would not be bound. */
  async #confirmAll(job: JobRecord, attempt: number, nodes: readonly PeerId[]): Promise<string | undefined> {
    let reason: string | undefined
    await this.#each([...nodes.keys()], async (index) => {
      for (let tries = 1; tries <= CONFIRM_TRIES && reason === undefined; tries++) {
        const refusal = await this.#ask(nodes[index]!, {
          type: 'confirm',
          jobId: job.id,
          attempt,
          index,
          peers: nodes,
          controller: this.#tenure.home,
          ...(this.#tenure.mandate && { holders: this.#tenure.mandate.holders }),
          statement: job.statement,
        })
        if (refusal === undefined) return
        if (refusal.isLasting) this.#avoid(job, nodes[index]!)
        if (refusal.isLasting || tries === CONFIRM_TRIES)
          reason ??= `${nodes[index]} did not confirm: ${refusal.reason}`
      }
    })
    return reason
  }

  /** Best effort: a hold ends by itself, and a node that has confirmed asks. */
  #letGo(job: JobRecord, attempt: number, nodes: readonly PeerId[], reason: string): void {
    const stopping = this.#each([...nodes.keys()], async (index) => {
      const unitId = unitIdOf(job.id, attempt, index)
      await this.#ask(nodes[index]!, { type: 'stop', unitId, reason: shorten(reason) })
    })
    inBackground(this.#world, job.id, stopping)
  }

  /** Nothing where the node does what it is asked; otherwise why not, or why nobody knows. */
  async #ask(node: PeerId, request: JobRequest): Promise<Refusal | undefined> {
    try {
      const reply: JobReply = await this.#world.ask(node, request)
      return reply.type === 'refused' ? { reason: reply.reason, isLasting: false } : undefined
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      const { code } = asRoostError(thrown)
      return { reason: `${reasonOf(thrown)} (${code})`, isLasting: !PASSING_CODES.has(code) }
    }
  }

  #avoid(job: JobRecord, node: PeerId): void {
    const avoided = this.#avoided.get(job) ?? new Map<PeerId, number>()
    this.#avoided.set(job, avoided.set(node, this.#world.surroundings.nowMs + AVOID_MS))
  }

  #avoidedBy(job: JobRecord): ReadonlySet<PeerId> {
    const { nowMs } = this.#world.surroundings
    const avoided = [...(this.#avoided.get(job) ?? [])].filter(([, untilMs]) => untilMs > nowMs)
    return new Set(avoided.map(([node]) => node))
  }

  async #each(indexes: readonly number[], work: (index: number) => Promise<void>): Promise<void> {
    const places = new Places(ASKED_AT_ONCE)
    await Promise.all(indexes.map((index) => places.with(() => work(index))))
  }
}

/** Why a node does not do what it is asked. */
interface Refusal {
  readonly reason: string
  /** Whether asking again would give the same: it does not accept the signature, say. */
  readonly isLasting: boolean
}

/** Errors that may be gone the next time. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'PEER_UNREACHABLE',
  'CALL_TIMEOUT',
  'CONNECTION_LOST',
  'BUSY',
  'DISK_FULL',
  'STORE_FAILED',
])

/** The end of an attempt that all its nodes were asked to confirm: `reason` is why one did not. */
function decided(view: JobView, reason: string | undefined): JobHappening | undefined {
  if (view.placement !== 'matched') return undefined
  if (view.cancelling) return { type: 'ended', ...outcomeOf(view) }
  if (reason !== undefined) return { type: 'queued', reason: shorten(reason) }
  return { type: 'placed', attempt: view.attempt }
}

/** The user's expression and what a unit needs free. The line break ends a comment that the expression may end with. */
export function whereOf(description: JobDescription): string {
  const memoryBytes = promisedBytes(description)
  const room = `FreeCores >= ${description.cores}${memoryBytes > 0 ? ` && FreeMemory >= ${memoryBytes}` : ''}`
  return `(${requirementOf(description)}\n) && ${room}`
}

function shortageOf(count: number, { candidates, rejections }: FindAnswer, avoidedCount: number): string {
  const because = (reason: FindAnswer['rejections'][number]['reason']): number =>
    rejections.filter((rejection) => rejection.reason === reason).length
  const parts = [
    `${count} ${count === 1 ? 'node' : 'nodes'} wanted, ${candidates.length} free that match`,
    because('static') > 0 ? `${because('static')} do not match \`where\`` : '',
    because('dynamic') > 0 ? `${because('dynamic')} have not enough free` : '',
    because('silent') > 0 ? `${because('silent')} did not answer` : '',
    avoidedCount > 0 ? `${avoidedCount} would not confirm it` : '',
  ]
  return parts.filter((part) => part !== '').join('; ')
}
