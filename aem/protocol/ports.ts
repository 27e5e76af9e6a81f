import type { Attributes, PeerId, Surroundings } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import type { JobView } from './job-view.ts'
import type { Launcher } from './launcher.ts'
import type { GovernorStore, JobStore, UnitStore } from './stores.ts'
import type { JobReply, JobRequest } from './messages.ts'
import type { CheckStatement } from './submission.ts'

/** What the deciding side of jobs needs of the world beside its `CallEnv`. */
export interface JobPorts {
  readonly nodes: NodesPort
  readonly launcher: Launcher
  /** The jobs of this very node, where they are on its own disk alone: it controls them from its start. */
  readonly jobs?: JobStore
  readonly units: UnitStore
  readonly governors: GovernorStore
  readonly check: CheckStatement
  /** What this node has to promise. */
  readonly capacity: Capacity
  /** Told of every event once it is durable, in order within a job; a hint for watchers. Must not throw. */
  readonly onJobEvent?: (event: JobEvent, view: JobView) => void
  /** Told what the host should log: a store that fails, a process that nobody knows. Must not throw. */
  readonly onTrouble?: (trouble: Trouble) => void
}

export interface Capacity {
  readonly cores: number
  readonly memoryBytes: number
}

export interface Trouble {
  /** The job or unit. */
  readonly about: string
  readonly error: unknown
}

/** The part of the overlay's `Nodes` that placing and following use; that service fits here as it is. */
export interface NodesPort {
  find(
    query: { readonly where: string; readonly rank?: string; readonly count: number },
    options: { readonly timeoutMs: number; readonly except?: ReadonlySet<PeerId> },
  ): Promise<FindAnswer>
  get(id: PeerId): { readonly state: 'alive' | 'suspect' | 'dead' | 'left' } | undefined
  watch(listener: (node: { readonly id: PeerId; readonly state: string }) => void): () => void
}

export interface FindAnswer {
  readonly candidates: readonly { readonly id: PeerId; readonly attributes: Attributes; readonly rank: number }[]
  readonly rejections: readonly { readonly id: PeerId; readonly reason: 'static' | 'dynamic' | 'silent' }[]
}

/** What both sides, the node's and the controller's, work with while the daemon runs. */
export interface JobWorld {
  readonly surroundings: Surroundings
  /** Asks a node, which may be this one. Fails as `CallEnv.call` does. */
  ask(to: PeerId, request: JobRequest): Promise<JobReply>
  /** Rejects with `CANCELLED` when the daemon stops. */
  sleep(delayMs: number): Promise<void>
  trouble(about: string, error: unknown): void
}
