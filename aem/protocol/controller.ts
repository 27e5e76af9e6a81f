import { asRoostError, RoostError, type PeerId, type Plain } from '../../overlay/index.ts'
import { Backoff } from './backoff.ts'
import { inBackground, isStopping, surely } from './background.ts'
import { isFinal, type JobEvent, type JobHappening } from './events.ts'
import { Follower } from './following.ts'
import { parseUnitId, type JobId } from './ids.ts'
import { JobRecord } from './job-record.ts'
import { isUnitOver, type JobView, type UnitView } from './job-view.ts'
import type { JobReply, JobRequest, UnitNews } from './messages.ts'
import { outcomeOf } from './outcome.ts'
import { Placer } from './placing.ts'
import type { JobPorts, JobWorld } from './ports.ts'
import { EVENTS_COUNT_MAX, REASON_CHARS_MAX, shorten } from './shapes.ts'
import type { JobStore } from './stores.ts'
import type { Tenure } from './tenure.ts'
import { CANCEL_ACTION, readCancellation, type CheckedStatement } from './submission.ts'
import { GRACE_MS, NODES_CHANGED_MS, PLACE_BACKOFF, QUEUED_EVENT_GAP_MS } from './timing.ts'
import { Places } from './waiting.ts'

export interface JobOptions {
  /** How long a node may be away before its units count as lost; `GRACE_MS` where it is not given. */
  readonly graceMs?: number
}

export interface ControllerPorts extends Pick<JobPorts, 'nodes' | 'check' | 'onJobEvent'> {
  readonly jobs: JobStore
}

/** The most jobs that a controller keeps. Beyond it the one that ended first goes; with none ended a submission is `BUSY`. */
export const JOBS_COUNT_MAX = 10_000

/** Jobs being placed at the same time; the others wait their turn. */
export const PLACING_COUNT_MAX = 16

/**
 * Owns the jobs of one home, the node that they were submitted at: this one, or another that it stands in for. Each one's log is the truth
 * about it: what is to be done follows from its view alone, which is how a restart, and who takes over, takes up every unfinished job
 * wherever it stood.
 */
export class Controller {
  readonly #world: JobWorld
  readonly #ports: ControllerPorts
  readonly #tenure: Tenure
  readonly #placer: Placer
  readonly #follower: Follower
  readonly #jobs = new Map<JobId, JobRecord>()
  /** Submissions whose first event is being written. */
  readonly #accepting = new Map<JobId, Promise<JobView>>()
  readonly #places = new Places(PLACING_COUNT_MAX)
  /** Jobs that found no room, in the order in which they came. */
  readonly #waiting = new Set<JobRecord>()
  #isNodesChangeNoted = false

  constructor(world: JobWorld, ports: ControllerPorts, tenure: Tenure, { graceMs = GRACE_MS }: JobOptions = {}) {
    this.#world = world
    this.#ports = ports
    this.#tenure = tenure
    this.#placer = new Placer(world, ports.nodes, tenure)
    this.#follower = new Follower(
      {
        world,
        nodes: ports.nodes,
        onNews: (job, unit, news) => this.#takeNews(job, unit, news),
        onLost: (job) => this.#finish(job),
      },
      { graceMs },
    )
  }

  /** Takes up the jobs of an earlier life, before anything is answered. */
  async recover(): Promise<void> {
    const logs: (readonly JobEvent[])[] = []
    for (const jobId of await this.#ports.jobs.list()) {
      const log = await this.#ports.jobs.read(jobId, 1)
      if (log.length > 0) logs.push(log)
    }
    logs.sort(([one], [other]) => one!.atMs - other!.atMs)
    for (const log of logs) this.#keep(log)
  }

  /** Goes on with everything that is unfinished. */
  resume(): void {
    for (const job of this.#jobs.values())
      if (!isFinal(job.view.state)) inBackground(this.#world, job.id, this.#drive(job))
  }

  get queuedCount(): number {
    let count = 0
    for (const { view } of this.#jobs.values()) if (!isFinal(view.state) && view.placement !== 'placed') count++
    return count
  }

  view(jobId: JobId): JobView | undefined {
    return this.#jobs.get(jobId)?.view
  }

  /** In the order in which they were accepted. */
  views(): JobView[] {
    return [...this.#jobs.values()].map((job) => job.view)
  }

  async events(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]> {
    const job = this.#jobs.get(jobId)
    if (!job) throw jobNotFound(jobId)
    const { lastNumber } = job.view
    if (fromNumber > lastNumber) return []
    const events = await this.#ports.jobs.read(jobId, fromNumber)
    // The store may hold one more, of which its keeper does not know yet whether it landed.
    return events.filter((event) => event.number <= lastNumber).slice(0, EVENTS_COUNT_MAX)
  }

  /** A job that was submitted before, or is being accepted. */
  submitted(jobId: JobId): JobView | Promise<JobView> | undefined {
    return this.#jobs.get(jobId)?.view ?? this.#accepting.get(jobId)
  }

  /** Accepts a job whose statement was checked and is new: durable when it resolves. */
  async accept(jobId: JobId, statement: NonNullable<Plain>, checked: CheckedStatement): Promise<JobView> {
    const accepting = this.#accept(jobId, statement, checked)
    this.#accepting.set(jobId, accepting)
    try {
      return await accepting
    } finally {
      this.#accepting.delete(jobId)
    }
  }

  async cancel(jobId: JobId, statement: Plain): Promise<JobView> {
    const job = this.#jobs.get(jobId)
    if (!job) throw jobNotFound(jobId)
    const { owner: by, body } = this.#ports.check(statement, CANCEL_ACTION, { fresh: true })
    const cancellation = readCancellation(body)
    if (cancellation.jobId !== jobId) throw new RoostError('DENIED', 'the signed cancellation is for another job')
    if (by !== job.view.owner) throw new RoostError('DENIED', `job ${jobId} belongs to another user`)
    const reason = shorten(cancellation.reason ?? 'cancelled by its owner')
    await job.append((view) =>
      isFinal(view.state) || view.cancelling ? undefined : { type: 'cancelling', by, reason },
    )
    job.wakeAll()
    return job.view
  }

  async forget(jobId: JobId): Promise<void> {
    const view = this.view(jobId)
    if (!view || !isFinal(view.state)) return
    this.#jobs.delete(jobId)
    await this.#ports.jobs.remove(jobId)
  }

  /** A node tells what became of a unit. */
  async unitReport(from: PeerId, { unitId, events }: JobRequest & { type: 'unit-report' }): Promise<JobReply> {
    const { jobId, index } = parseUnitId(unitId)!
    const job = this.#jobs.get(jobId)
    if (!job) return { type: 'given-up', reason: `${this.#world.surroundings.self} has no job ${jobId}` }
    const unit = job.view.units[index]
    if (unit?.unitId !== unitId || unit.node !== from)
      return { type: 'given-up', reason: 'that attempt to place the job was given up' }
    return this.#takeNews(job, unit, events)
  }

  /** Membership has changed its mind about a node, or learnt something new of it. */
  nodeChanged(node: PeerId): void {
    for (const job of this.#jobs.values()) {
      if (job.view.placement !== 'placed' || isFinal(job.view.state)) continue
      for (const unit of job.view.units) if (unit.node === node) job.following[unit.index]!.poke()
    }
    if (this.#isNodesChangeNoted || this.#waiting.size === 0) return
    this.#isNodesChangeNoted = true
    inBackground(
      this.#world,
      node,
      this.#world.sleep(NODES_CHANGED_MS).then(() => {
        this.#isNodesChangeNoted = false
        this.#tryWaiting()
      }),
    )
  }

  async #accept(jobId: JobId, statement: NonNullable<Plain>, { owner, body }: CheckedStatement): Promise<JobView> {
    await this.#makeRoom()
    const event: JobEvent = {
      type: 'submitted',
      jobId,
      owner,
      controller: this.#tenure.home,
      body,
      statement,
      number: 1,
      atMs: Math.floor(this.#world.surroundings.wallMs),
    }
    try {
      await this.#ports.jobs.append(jobId, [event])
    } catch (thrown) {
      const { code, message, data } = asRoostError(thrown)
      // Whether it landed shows after the next restart; the same statement sent again is the same job either way.
      throw new RoostError(code, message, { cause: thrown, certain: false, ...(data && { data }) })
    }
    const job = this.#keep([event])
    this.#ports.onJobEvent?.(event, job.view)
    inBackground(this.#world, jobId, this.#drive(job))
    return job.view
  }

  async #makeRoom(): Promise<void> {
    if (this.#jobs.size + this.#accepting.size < JOBS_COUNT_MAX) return
    let oldest: JobView | undefined
    for (const { view } of this.#jobs.values())
      if (isFinal(view.state) && view.endedAtMs! < (oldest?.endedAtMs ?? Infinity)) oldest = view
    if (!oldest) throw new RoostError('BUSY', `this node controls ${JOBS_COUNT_MAX} unfinished jobs already`)
    await this.forget(oldest.id)
  }

  #keep(events: readonly JobEvent[]): JobRecord {
    const { surroundings, sleep } = this.#world
    const onEvent = this.#ports.onJobEvent ?? (() => undefined)
    const job = new JobRecord(events, { store: this.#ports.jobs, surroundings, sleep, onEvent })
    this.#jobs.set(job.id, job)
    return job
  }

  /** Brings a job from wherever it stands to its end. */
  async #drive(job: JobRecord): Promise<void> {
    await this.#place(job)
    if (isFinal(job.view.state)) return
    this.#finish(job)
    await Promise.all(job.view.units.map((unit) => this.#follower.follow(job, unit.index)))
  }

  /** Until the job has nodes, or was cancelled without. */
  async #place(job: JobRecord): Promise<void> {
    const backoff = new Backoff(this.#world.surroundings.rng, PLACE_BACKOFF)
    let saidMs = -Infinity
    // An attempt of an earlier life: some node may have confirmed, none was told to start. It ends here, and its nodes hear so when they ask.
    if (job.view.placement === 'matched')
      await surely(this.#world, job.id, () =>
        job.append(queuedFor('its controller restarted, or was taken over, while it was being placed')),
      )
    while (isUnplaced(job.view)) {
      if (job.view.cancelling) {
        await surely(this.#world, job.id, () => job.append(endedUnplaced))
        continue
      }
      const reason = await this.#places.with(() => this.#attempt(job))
      if (!isUnplaced(job.view) || job.view.cancelling) continue
      const { nowMs } = this.#world.surroundings
      if (reason !== undefined && isWorthSaying(job.view, reason, nowMs - saidMs)) {
        await surely(this.#world, job.id, () => job.append(queuedFor(reason)))
        saidMs = nowMs
      }
      this.#waiting.add(job)
      await job.placing.wait(backoff.next())
      this.#waiting.delete(job)
    }
  }

  async #attempt(job: JobRecord): Promise<string | undefined> {
    if (!isUnplaced(job.view) || job.view.cancelling) return undefined
    try {
      return await this.#placer.attempt(job)
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      this.#world.trouble(job.id, thrown)
      return undefined
    }
  }

  /** Takes what a unit's log says; `noted` once it is durable, `given-up` where nobody wants the unit any more. */
  async #takeNews(job: JobRecord, { index, unitId }: UnitView, news: readonly UnitNews[]): Promise<JobReply> {
    for (const event of news)
      while (await job.append((view) => heard(view, index, unitId, event))) {
        // A lost unit is found by the first event that it takes, and ends by the second.
      }
    const unit = job.view.units[index]!
    if (unit.unitId !== unitId) return { type: 'given-up', reason: 'that attempt to place the job was given up' }
    if (isUnitOver(unit)) this.#finish(job)
    const isEnded = news.some((event) => event.type === 'exited' || event.type === 'released')
    if (isFinal(job.view.state) && !isEnded) return { type: 'given-up', reason: `the job has ended: ${job.view.state}` }
    return { type: 'noted' }
  }

  /** Ends the job if all its units are over. */
  #finish(job: JobRecord): void {
    const ending = surely(this.#world, job.id, () =>
      job.append((view) =>
        view.placement === 'placed' && !isFinal(view.state) && view.units.every(isUnitOver)
          ? { type: 'ended', ...outcomeOf(view) }
          : undefined,
      ),
    )
    inBackground(
      this.#world,
      job.id,
      ending.then((isEnded) => {
        if (!isEnded) return
        job.wakeAll()
        this.#tryWaiting()
      }),
    )
  }

  /** There may be room now: those who wait longest look at once, the others when their time comes. */
  #tryWaiting(): void {
    let left = PLACING_COUNT_MAX
    for (const job of this.#waiting) {
      if (left-- === 0) return
      job.placing.poke()
    }
  }
}

export function jobNotFound(id: string): RoostError {
  return new RoostError('JOB_NOT_FOUND', `no job ${id.slice(0, REASON_CHARS_MAX)} is controlled here`)
}

function isUnplaced(view: JobView): boolean {
  return !isFinal(view.state) && view.placement !== 'placed'
}

function endedUnplaced(view: JobView): JobHappening | undefined {
  return isUnplaced(view) ? { type: 'ended', ...outcomeOf(view) } : undefined
}

function queuedFor(reason: string): (view: JobView) => JobHappening | undefined {
  return (view) => (isUnplaced(view) && !view.cancelling ? { type: 'queued', reason: shorten(reason) } : undefined)
}

function isWorthSaying(view: JobView, reason: string, sinceMs: number): boolean {
  return view.state !== 'queued' || (view.reason !== shorten(reason) && sinceMs >= QUEUED_EVENT_GAP_MS)
}

/** What an event of a unit's log means for its job; nothing where the job knows it already, or is over. */
function heard(view: JobView, index: number, unitId: string | undefined, event: UnitNews): JobHappening | undefined {
  const unit = view.units[index]!
  if (view.placement !== 'placed' || isFinal(view.state) || unit.unitId !== unitId) return undefined
  const about = { unit: index, node: unit.node!, attempt: unit.attempt! }
  const isEnd = event.type === 'exited' || event.type === 'released'
  if (unit.state === 'lost' && (isEnd || event.type === 'started'))
    return { type: 'unit-found', ...about, reason: `${unit.node} is back with it` }
  if (unit.state === 'starting' && event.type === 'started') return { type: 'unit-started', ...about }
  if (unit.state !== 'starting' && unit.state !== 'running') return undefined
  if (event.type === 'exited') return { type: 'unit-exited', ...about, exit: event.exit }
  if (event.type === 'released')
    return { type: 'unit-exited', ...about, exit: { kind: 'unstartable', reason: event.reason } }
  return undefined
}
