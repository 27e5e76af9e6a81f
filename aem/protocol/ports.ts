import type { Attributes, PeerId } from '../../overlay/index.ts'
import type { JobEvent } from './events.ts'
import type { JobView } from './job-view.ts'
import type { Launcher, JobStore, UnitStore } from './launcher.ts'
import type { CheckStatement } from './submission.ts'

/** What the deciding side of jobs needs of the world beside its `CallEnv`. */
export interface JobPorts {
  readonly nodes: NodesPort
  readonly launcher: Launcher
  readonly jobs: JobStore
  readonly units: UnitStore
  readonly check: CheckStatement
  /** What this node has to promise. */
  readonly capacity: Capacity
  /** Told of every event once it is durable, in order within a job; a hint for watchers. Must not throw. */
  readonly onJobEvent?: (event: JobEvent, view: JobView) => void
  /** Told what the host should log: a failed store, a unit that could not be told. Must not throw. */
  readonly onTrouble?: (trouble: { readonly about: string; readonly error: unknown }) => void
}

export interface Capacity {
  readonly cores: number
  readonly memoryBytes: number
}

/** The part of the overlay's `Nodes` that placing and following use; that service fits here as it is. */
export interface NodesPort {
  find(
    query: { readonly where: string; readonly rank?: string; readonly count: number },
    options: { readonly timeoutMs: number; readonly except?: ReadonlySet<PeerId> },
  ): Promise<{
    readonly candidates: readonly { readonly id: PeerId; readonly attributes: Attributes; readonly rank: number }[]
    readonly rejections: readonly { readonly id: PeerId; readonly reason: 'static' | 'dynamic' | 'silent' }[]
  }>
  get(id: PeerId): { readonly state: 'alive' | 'suspect' | 'dead' | 'left' } | undefined
  watch(listener: (node: { readonly id: PeerId; readonly state: string }) => void): () => void
}
