import { RoostError, type CallEnv, type PeerId, type Plain, type Service } from '../../overlay/index.ts'
import { Controller, type JobOptions } from './controller.ts'
import type { JobEvent } from './events.ts'
import type { JobId, UnitId } from './ids.ts'
import type { JobView } from './job-view.ts'
import type { UnitExit, UnitOrder } from './launcher.ts'
import type { JobReply, JobRequest } from './messages.ts'
import type { JobPorts, JobWorld } from './ports.ts'
import { CALL_MS } from './timing.ts'
import { UnitHost } from './unit-host.ts'
import type { UnitStatus } from './unit-log.ts'

/** Everything about jobs on one node: the units that it runs and the jobs that were submitted at it. */
export class JobService implements Service<JobRequest, JobReply> {
  readonly #ports: JobPorts
  readonly #options: JobOptions
  #host: UnitHost | undefined
  #controller: Controller | undefined
  #isOpen = false
  #unwatch: (() => void) | undefined

  constructor(ports: JobPorts, options: JobOptions = {}) {
    this.#ports = ports
    this.#options = options
  }

  /** Takes up what an earlier life left, then opens; before that everything but reading is `BUSY`. */
  async start(env: CallEnv<JobRequest, JobReply>): Promise<void> {
    const world: JobWorld = {
      surroundings: env,
      ask: (to, request) =>
        to === env.self ? this.answer(to, request) : env.call(to, request, { timeoutMs: CALL_MS }),
      sleep: (delayMs) => env.sleep(delayMs),
      trouble: (about, error) => this.#ports.onTrouble?.({ about, error }),
    }
    const controller = (this.#controller = new Controller(world, this.#ports, this.#options))
    const host = (this.#host = new UnitHost(world, this.#ports))
    await controller.recover()
    await host.recover()
    this.#isOpen = true
    this.#unwatch = this.#ports.nodes.watch((node) => {
      controller.nodeChanged(node.id)
      if (node.state === 'alive') host.nodeIsBack(node.id)
    })
    controller.resume()
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
    const { host, controller } = this.#open()
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
      case 'unit-report':
        return controller.unitReport(from, request)
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
    return this.#open().controller.submit(statement)
  }

  /**
   * Cancels by the owner's signed word: durable when it resolves, done when the view is final. A job that has ended stays as it is.
   * `JOB_NOT_FOUND`; `DENIED` where it is another user's.
   */
  async cancel(jobId: JobId, statement: Plain): Promise<JobView> {
    return this.#open().controller.cancel(jobId, statement)
  }

  view(jobId: JobId): JobView | undefined {
    return this.#controller?.view(jobId)
  }

  views(): JobView[] {
    return this.#controller?.views() ?? []
  }

  /** The one job here whose id begins so; `JOB_NOT_FOUND`, `ID_AMBIGUOUS`. */
  resolve(prefix: string): JobId {
    return this.#open().controller.resolve(prefix)
  }

  /** Durable events from this number on, at most `EVENTS_COUNT_MAX`; none where there are none yet; `JOB_NOT_FOUND`. */
  async events(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]> {
    return this.#open().controller.events(jobId, fromNumber)
  }

  /** A unit that this node has confirmed, runs or ran. */
  unit(unitId: UnitId): { readonly order: UnitOrder; readonly status: UnitStatus } | undefined {
    const unit = this.#host?.get(unitId)
    return unit && { order: unit.order, status: unit.status }
  }

  /** The live part of this node's attributes (DESIGN, section 4). */
  attributes(): Readonly<Record<string, number>> {
    const free = this.#host?.free ?? { cores: 0, memoryBytes: 0 }
    return {
      FreeCores: free.cores,
      FreeMemory: free.memoryBytes,
      RunningJobs: this.#host?.runningCount ?? 0,
      QueuedJobs: this.#controller?.queuedCount ?? 0,
    }
  }

  #open(): { host: UnitHost; controller: Controller } {
    if (!this.#isOpen || !this.#host || !this.#controller)
      throw new RoostError('BUSY', 'jobs are not open on this node yet', { hint: 'try again in a moment' })
    return { host: this.#host, controller: this.#controller }
  }
}
