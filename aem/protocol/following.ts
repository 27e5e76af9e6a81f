import { asRoostError, type PeerId } from '../../overlay/index.ts'
import { Backoff } from './backoff.ts'
import { isStopping, surely } from './background.ts'
import { isFinal, type JobHappening } from './events.ts'
import type { JobRecord } from './job-record.ts'
import type { JobView, UnitView } from './job-view.ts'
import type { JobReply, UnitNews } from './messages.ts'
import type { JobWorld, NodesPort } from './ports.ts'
import { shorten } from './shapes.ts'
import { FOLLOW_MS, REPEAT_BACKOFF } from './timing.ts'
import { utcText } from './utc.ts'

/**
 * Follows the units of placed jobs to their ends. Nodes report what happens; the follower repeats what must get through (start, stop), reads
 * a unit's log after a silence or a restart, and says when a unit is lost.
 *
 * A unit is lost when its node has been away for longer than the grace and does not answer, or answers that it has no such unit. It is
 * given up for this job: the others go on, and when all are over the job ends as `lost`. A node that comes back before then
 * brings its unit back with it, as whatever it has become; one that comes back later is told to end it.
 */
export class Follower {
  readonly #world: JobWorld
  readonly #nodes: NodesPort
  readonly #graceMs: number
  readonly #onNews: (job: JobRecord, unit: UnitView, news: readonly UnitNews[]) => Promise<unknown>
  readonly #onLost: (job: JobRecord) => void

  constructor({ world, nodes, onNews, onLost }: FollowerPorts, { graceMs }: { graceMs: number }) {
    this.#world = world
    this.#nodes = nodes
    this.#graceMs = graceMs
    this.#onNews = onNews
    this.#onLost = onLost
  }

  /** Until the unit has exited or the job has ended. */
  async follow(job: JobRecord, index: number): Promise<void> {
    const waker = job.following[index]!
    const backoff = new Backoff(this.#world.surroundings.rng, REPEAT_BACKOFF)
    const told: Told = { start: false, stop: false }
    let awaySinceMs: number | undefined
    for (;;) {
      const unit = job.view.units[index]!
      if (isFinal(job.view.state) || unit.state === 'exited') return
      if (unit.state === 'lost') {
        await waker.wait(FOLLOW_MS)
        continue
      }
      const failure = await this.#ask(job, unit, told)
      if (failure === undefined) {
        awaySinceMs = undefined
        backoff.reset()
        if (isAllTold(job.view, told)) await waker.wait(FOLLOW_MS)
        continue
      }
      const { nowMs } = this.#world.surroundings
      awaySinceMs = this.#isAway(unit.node!) ? (awaySinceMs ?? nowMs) : undefined
      const awayMs = awaySinceMs === undefined ? 0 : nowMs - awaySinceMs
      const reason = failure.lost ?? (awayMs >= this.#graceMs ? this.#awayReason(unit.node!, awayMs) : undefined)
      if (reason !== undefined) await this.#lose(job, unit, reason)
      else await waker.wait(Math.min(backoff.next(), Math.max(1, this.#graceMs - awayMs)))
    }
  }

  /** Says to the unit's node what it must hear, or reads its log; a failure with `lost` is one that no repetition mends. */
  async #ask(job: JobRecord, unit: UnitView, told: Told): Promise<{ lost?: string } | undefined> {
    const unitId = unit.unitId!
    const node = unit.node!
    try {
      if (job.view.cancelling && !told.stop) {
        const reason = job.view.cancelling.reason
        await this.#world.ask(node, { type: 'stop', unitId, reason })
        told.stop = true
      } else if (unit.state === 'starting' && !told.start) {
        const reply = await this.#world.ask(node, { type: 'start', unitId })
        if (reply.type === 'refused') return { lost: `${node} did not start it: ${reply.reason}` }
        told.start = true
        return undefined
      }
      const reply: JobReply = await this.#world.ask(node, { type: 'unit-events', unitId, from: 1 })
      if (reply.type === 'events') await this.#onNews(job, unit, reply.events)
      return undefined
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      if (asRoostError(thrown).code === 'UNIT_NOT_FOUND') return { lost: `${node} has no record of it` }
      return {}
    }
  }

  async #lose(job: JobRecord, { index, unitId, node, attempt }: UnitView, reason: string): Promise<void> {
    const lost: JobHappening = {
      type: 'unit-lost',
      unit: index,
      node: node!,
      attempt: attempt!,
      reason: shorten(reason),
    }
    const isStill = (view: JobView): boolean => {
      const unit = view.units[index]!
      return !isFinal(view.state) && unit.unitId === unitId && (unit.state === 'starting' || unit.state === 'running')
    }
    await surely(this.#world, job.id, () => job.append((view) => (isStill(view) ? lost : undefined)))
    this.#onLost(job)
  }

  #isAway(node: PeerId): boolean {
    if (node === this.#world.surroundings.self) return false
    const state = this.#nodes.get(node)?.state
    return state !== 'alive' && state !== 'suspect'
  }

  #awayReason(node: PeerId, awayMs: number): string {
    const since = utcText(this.#world.surroundings.wallMs - awayMs)
    return `${node} has been away since ${since}, longer than ${this.#graceMs / 1_000} s`
  }
}

export interface FollowerPorts {
  readonly world: JobWorld
  readonly nodes: NodesPort
  /** Takes what a unit's log says, wherever it was heard. */
  readonly onNews: (job: JobRecord, unit: UnitView, news: readonly UnitNews[]) => Promise<unknown>
  /** A unit was lost: perhaps the last one that the job waited for. */
  readonly onLost: (job: JobRecord) => void
}

/** What the node has acknowledged in this life of the controller; the rest is said again, which does no harm. */
interface Told {
  start: boolean
  stop: boolean
}

function isAllTold(view: JobView, told: Told): boolean {
  return !view.cancelling || told.stop
}
