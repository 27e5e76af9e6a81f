import { RoostError, type CallEnv, type PeerId, type Plain, type Service } from '../../overlay/index.ts'
import { Controller, jobNotFound, type JobOptions } from './controller.ts'
import type { JobEvent } from './events.ts'
import { jobIdOf, type JobId, type UnitId } from './ids.ts'
import type { JobView } from './job-view.ts'
import type { UnitExit, UnitOrder } from './launcher.ts'
import type { JobReply, JobRequest } from './messages.ts'
import type { JobPorts, JobWorld } from './ports.ts'
import { BOARD_STATEMENT_BYTES_MAX, plainBytes, STATEMENT_BYTES_MAX } from './shapes.ts'
import type { JobStore } from './stores.ts'
import { readSubmission, SUBMIT_ACTION, type CheckedStatement } from './submission.ts'
import { TenureWorld, type Tenure } from './tenure.ts'
import { CALL_MS } from './timing.ts'
import { UnitHost } from './unit-host.ts'
import type { UnitStatus } from './unit-log.ts'
import { Refusals, type Refusal, type Room } from './why/index.ts'

/** Everything about jobs on one node: the units that it runs and the jobs that it controls, its own and those of homes that it stands in for. */
export class JobService implements Service<JobRequest, JobReply> {
  readonly #ports: JobPorts
  readonly #options: JobOptions
  #host: UnitHost | undefined
  #world: JobWorld | undefined
  #refusals: Refusals | undefined
  /** By home. */
  readonly #held = new Map<PeerId, Held>()
  /** Statements that were new, and whose jobs could not be written down: they may be sent again. */
  readonly #checked = new Map<JobId, CheckedStatement>()
  #isOpen = false
  #unwatch: (() => void) | undefined

  constructor(ports: JobPorts, options: JobOptions = {}) {
    this.#ports = ports
    this.#options = options
  }

  /** Takes up what an earlier life left, then opens; before that everything but reading is `BUSY`. */
  async start(env: CallEnv<JobRequest, JobReply>): Promise<void> {
    const refusals = (this.#refusals = new Refusals(() => env.nowMs))
    const world: JobWorld = (this.#world = {
      surroundings: env,
      ask: refusals.watching((to, request) =>
        to === env.self ? this.answer(to, request) : env.call(to, request, { timeoutMs: CALL_MS }),
      ),
      sleep: (delayMs) => env.sleep(delayMs),
      trouble: (about, error) => this.#ports.onTrouble?.({ about, error }),
    })
    const host = (this.#host = new UnitHost(world, this.#ports))
    const own = this.#ports.jobs && this.#hold({ home: env.self, epoch: 1 }, this.#ports.jobs)
    await own?.controller.recover()
    await host.recover()
    this.#isOpen = true
    if (own) own.isReady = true
    this.#unwatch = this.#ports.nodes.watch((node) => {
      for (const controller of this.#controllers()) controller.nodeChanged(node.id)
      if (node.state === 'alive') host.nodeIsBack(node.id)
    })
    own?.controller.resume()
  }

  /** Takes up the jobs of a home, with the log that its board has of them. Whoever did so before on this node ends. */
  async lead(tenure: Tenure, jobs: JobStore): Promise<void> {
    this.yield(tenure.home)
    const held = this.#hold(tenure, jobs)
    await held.controller.recover()
    held.isReady = true
    held.controller.resume()
  }

  /** Leaves the jobs of a home to whoever controls them now. */
  yield(home: PeerId): void {
    this.#held.get(home)?.world.end()
    this.#held.delete(home)
  }

  /** By what right which homes' jobs are controlled here. */
  get tenures(): readonly Tenure[] {
    return [...this.#held.values()].filter(({ isReady }) => isReady).map(({ tenure }) => tenure)
  }

  /** Who controls the jobs of a home, as far as this node was told. */
  controllerOf(home: PeerId): PeerId {
    return this.#held.has(home) ? this.#world!.surroundings.self : (this.#host?.controllerOf(home) ?? home)
  }

  /** Units of others are held here no more. */
  drain(): void {
    this.#host?.drain()
  }

  /** Takes nothing more. Units run on, and what is unfinished goes on in the next life. */
  stop(): void {
    this.#isOpen = false
    this.#unwatch?.()
  }

  async answer(from: PeerId, request: JobRequest): Promise<JobReply> {
    const host = this.#openHost()
    switch (request.type) {
      case 'hold':
        return host.hold(from, request)
      case 'confirm':
        return host.confirm(from, request)
      case 'start':
        return host.start(from, request)
      case 'stop':
        return host.stop(from, request)
      case 'unit-events':
        return host.events(from, request)
      case 'govern':
        return host.govern(from, request)
      case 'unit-report':
        // Without a tenure nobody here knows what became of the job: no reason to end a unit of it.
        return this.#demandTenure(request.home ?? this.#world!.surroundings.self).controller.unitReport(from, request)
      case 'who-controls': {
        const { epoch, mandate } = this.#demandTenure(request.home).tenure
        return { type: 'controls', epoch, ...(mandate && { mandate }) }
      }
    }
  }

  /** For the launcher's callback. An exit before the start is not missed: `recover` gives it. */
  unitExited(unitId: UnitId, exit: UnitExit): void {
    this.#host?.exited(unitId, exit)
  }

  /**
   * Accepts a signed submission: durable when it resolves. The same statement again is the same job. Fails as `check` does, with
   * `JOB_MALFORMED`, `JOB_FIELD_UNSUPPORTED` or `EXPRESSION_MALFORMED`, with `BUSY` at `JOBS_COUNT_MAX`, and as the store does.
   */
  async submit(statement: NonNullable<Plain>): Promise<JobView> {
    this.#openHost()
    demandShort(statement, STATEMENT_BYTES_MAX)
    const { crypto, self } = this.#world!.surroundings
    const jobId = jobIdOf(statement, crypto)
    for (const controller of this.#controllers()) {
      const submitted = controller.submitted(jobId)
      if (submitted) return submitted
    }
    const { body } = this.#ports.check(statement, SUBMIT_ACTION, { fresh: false })
    const { controller: home } = readSubmission(body)
    // Before it is asked whether the statement is new, which may be asked once: what is refused here is sent again.
    const { controller, tenure } = this.#demandHome(home, self)
    if (tenure.mandate) demandShort(statement, BOARD_STATEMENT_BYTES_MAX)
    const checked = this.#checked.get(jobId) ?? this.#ports.check(statement, SUBMIT_ACTION, { fresh: true })
    this.#checked.set(jobId, checked)
    if (this.#checked.size > CHECKED_COUNT_MAX) this.#checked.delete(this.#checked.keys().next().value!)
    const view = await controller.accept(jobId, statement, checked)
    this.#checked.delete(jobId)
    return view
  }

  /**
   * Cancels by the owner's signed word: durable when it resolves, done when the view is final. A job that has ended stays as it is.
   * `JOB_NOT_FOUND`; `DENIED` where it is another user's.
   */
  async cancel(jobId: JobId, statement: Plain): Promise<JobView> {
    return this.#controllerOf(jobId).cancel(jobId, statement)
  }

  /** Removes a job that has ended, with its log; one that has not stays. */
  async forget(jobId: JobId): Promise<void> {
    await this.#controllerOf(jobId).forget(jobId)
  }

  view(jobId: JobId): JobView | undefined {
    for (const controller of this.#controllers()) {
      const view = controller.view(jobId)
      if (view) return view
    }
    return undefined
  }

  views(): JobView[] {
    return this.#controllers().flatMap((controller) => controller.views())
  }

  /** The one job here whose id begins so; `JOB_NOT_FOUND`, `ID_AMBIGUOUS`. */
  resolve(prefix: string): JobId {
    this.#openHost()
    const text = prefix.toLowerCase()
    const matching = text === '' ? [] : this.views().filter(({ id }) => id.startsWith(text))
    if (matching.length > 1)
      throw new RoostError('ID_AMBIGUOUS', `${matching.length} jobs here begin with ${prefix}`, { data: { prefix } })
    const [view] = matching
    if (view === undefined) throw jobNotFound(prefix)
    return view.id
  }

  /** Durable events from this number on, at most `EVENTS_COUNT_MAX`; none where there are none yet; `JOB_NOT_FOUND`. */
  async events(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]> {
    return this.#controllerOf(jobId).events(jobId, fromNumber)
  }

  /** A unit that this node has confirmed, runs or ran. */
  unit(unitId: UnitId): { readonly order: UnitOrder; readonly status: UnitStatus } | undefined {
    const unit = this.#host?.get(unitId)
    return unit && { order: unit.order, status: unit.status }
  }

  /** Nodes that lately would not take a unit of this job, and why. */
  refusals(jobId: JobId): ReadonlyMap<PeerId, Refusal> {
    return this.#refusals?.of(jobId) ?? new Map()
  }

  /** What this node has promised to units, and until when. */
  room(): Room {
    return this.#openHost().room
  }

  /** The live part of this node's attributes (DESIGN, section 4). */
  attributes(): Readonly<Record<string, number>> {
    const free = this.#host?.free ?? { cores: 0, memoryBytes: 0 }
    return {
      FreeCores: free.cores,
      FreeMemory: free.memoryBytes,
      RunningJobs: this.#host?.runningCount ?? 0,
      QueuedJobs: this.#controllers().reduce((sum, controller) => sum + controller.queuedCount, 0),
    }
  }

  #hold(tenure: Tenure, jobs: JobStore): Held {
    const world = new TenureWorld(this.#world!, tenure)
    const controller = new Controller(world, { ...this.#ports, jobs }, tenure, this.#options)
    const held: Held = { tenure, world, controller, isReady: false }
    this.#held.set(tenure.home, held)
    return held
  }

  #controllers(): readonly Controller[] {
    return [...this.#held.values()].filter(({ isReady }) => isReady).map(({ controller }) => controller)
  }

  #demandHome(home: PeerId, self: PeerId): Held {
    if (home === self || this.#held.has(home)) return this.#demandTenure(home)
    throw new RoostError('DENIED', `this job was signed for ${home} to control, not for ${self}`, {
      hint: 'submit it at that node, or sign it anew',
    })
  }

  #demandTenure(home: PeerId): Held {
    const held = this.#held.get(home)
    if (!held?.isReady) throw new RoostError('CONTROLLER_SUPERSEDED', `the jobs of ${home} are not controlled here`)
    return held
  }

  #controllerOf(jobId: JobId): Controller {
    this.#openHost()
    const controller = this.#controllers().find((one) => one.view(jobId))
    if (!controller) throw jobNotFound(jobId)
    return controller
  }

  #openHost(): UnitHost {
    if (!this.#isOpen || !this.#host)
      throw new RoostError('BUSY', 'jobs are not open on this node yet', { hint: 'try again in a moment' })
    return this.#host
  }
}

function demandShort(statement: NonNullable<Plain>, bytesMax: number): void {
  if (plainBytes(statement, bytesMax) > bytesMax)
    throw new RoostError('JOB_MALFORMED', `a signed job has at most ${bytesMax} bytes`, {
      data: { path: [] },
      hint: 'put the program into a file and stage it in',
    })
}

/** Submissions that failed for want of a disk or a group; the oldest is forgotten first, and then has to be signed anew. */
const CHECKED_COUNT_MAX = 1_000

/** The jobs of one home, controlled here. */
interface Held {
  readonly tenure: Tenure
  readonly world: TenureWorld
  readonly controller: Controller
  /** Whether it knows all of them yet. */
  isReady: boolean
}
