import type { CallEnv, PeerId, Plain, Service } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import type { JobId, UnitId } from './ids.ts'
import type { JobView } from './job-view.ts'
import type { UnitExit, UnitOrder } from './launcher.ts'
import type { JobReply, JobRequest } from './messages.ts'
import type { JobPorts } from './ports.ts'
import type { UnitStatus } from './unit-log.ts'

export interface JobOptions {
  /** How long a node may be away before its units count as lost. */
  readonly graceMs?: number
}

/** Everything about jobs on one node: the units that it runs and the jobs that were submitted at it. */
export declare class JobService implements Service<JobRequest, JobReply> {
  constructor(ports: JobPorts, options?: JobOptions)
  /** Takes up what an earlier life left, then opens; before that `answer`, `submit` and `cancel` fail with `BUSY`. */
  start(env: CallEnv<JobRequest, JobReply>): Promise<void>
  /** Stops following and watching. Units run on. */
  stop(): void
  answer(from: PeerId, request: JobRequest): Promise<JobReply>
  /** For the launcher's callback. */
  unitExited(unitId: UnitId, exit: UnitExit): void
  /** Accepts a signed submission: durable when it resolves. The same statement again is the same job. */
  submit(statement: Plain): Promise<JobView>
  /** Cancels by the owner's signed word: durable when it resolves, done when the view is final. */
  cancel(jobId: JobId, statement: Plain): Promise<JobView>
  view(jobId: JobId): JobView | undefined
  views(): JobView[]
  /** The one job whose id begins so; `JOB_NOT_FOUND`, `ID_AMBIGUOUS`. */
  resolve(prefix: string): JobId
  /** At most `EVENTS_COUNT_MAX` events from this number on; `JOB_NOT_FOUND`. */
  events(jobId: JobId, fromNumber: number): Promise<readonly JobEvent[]>
  /** A unit that this node has confirmed, runs or ran. */
  unit(unitId: UnitId): { readonly order: UnitOrder; readonly status: UnitStatus } | undefined
  /** FreeCores, FreeMemory, RunningJobs, QueuedJobs, for the live part of queries. */
  attributes(): Readonly<Record<string, number>>
}
