import { RoostError } from '../error/index.ts'
import type { Entry, HardState, SnapshotMeta } from './entry.ts'
import type { Given } from './service.ts'
import type { ChunkOutcome, ReplicaStorage, StagedSnapshot, StorageWrite, StoredReplica } from './storage.ts'

interface Queued {
  readonly write: StorageWrite
  readonly settled: (error?: RoostError) => void
}

/** How a machine's disk does its work: `after` runs something later, in the life of the daemon that asked for it. */
export interface DiskTime {
  after(delayMs: number, run: () => void): void
  /** How long the next sync or read takes. */
  delayMs(what: 'sync' | 'read'): number
}

/**
 * A replica's disk, in memory: what is synced outlives a crash, what waits for a sync may not. It shows how a real one does its work,
 * and stands for it in the simulator. Writes queue while a sync runs, and go together with the next.
 */
export class MemoryDisk {
  #hardState: HardState | undefined
  #snapshot: SnapshotMeta | undefined
  #entries: Entry[] = []
  #staged: { readonly snapshotId: string; readonly chunks: Map<number, Given> } | undefined
  #chunks = new Map<number, Given>()
  #queued: Queued[] = []
  #life = 0
  #isSyncing = false

  /** What has been synced; undefined for an empty disk. */
  get stored(): StoredReplica | undefined {
    if (this.#hardState === undefined) return undefined
    const staged = this.#stagedCount
    return {
      hardState: this.#hardState,
      entries: [...this.#entries],
      ...(this.#snapshot && { snapshot: this.#snapshot }),
      ...(staged && { staged }),
    }
  }

  /** The disk as one life of a daemon has it. */
  storage(time: DiskTime): ReplicaStorage {
    const life = ++this.#life
    this.#isSyncing = false
    return {
      persist: (write, settled) => {
        if (this.#life !== life) return
        this.#queued.push({ write, settled })
        this.#sync(life, time)
      },
      readChunk: (snapshotId, number, got) =>
        time.after(time.delayMs('read'), () => got(this.#readChunk(snapshotId, number))),
    }
  }

  /** The power fails: of what waited for a sync, the first `landedCount` writes have reached the disk all the same. */
  crash(landedCount: number): void {
    this.#life++
    for (const { write } of this.#queued.slice(0, landedCount)) this.#apply(write)
    this.#queued = []
  }

  get queuedCount(): number {
    return this.#queued.length
  }

  /** Another disk, with nothing on it. */
  erase(): void {
    this.crash(0)
    this.#hardState = undefined
    this.#snapshot = undefined
    this.#staged = undefined
    this.#entries = []
    this.#chunks.clear()
  }

  #sync(life: number, time: DiskTime): void {
    if (this.#isSyncing) return
    this.#isSyncing = true
    const count = this.#queued.length
    time.after(time.delayMs('sync'), () => {
      if (this.#life !== life) return
      const group = this.#queued.splice(0, count)
      for (const { write } of group) this.#apply(write)
      this.#isSyncing = false
      for (const { settled } of group) if (this.#life === life) settled()
      if (this.#queued.length > 0) this.#sync(life, time)
    })
  }

  #apply({ hardState, entries, chunk, snapshot, discardThrough = 0 }: StorageWrite): void {
    if (hardState) this.#hardState = hardState
    if (entries) {
      const first = entries[0]!.index
      while ((this.#entries.at(-1)?.index ?? 0) >= first) this.#entries.pop()
      this.#entries.push(...entries)
    }
    if (chunk) {
      if (this.#staged?.snapshotId !== chunk.snapshotId)
        this.#staged = { snapshotId: chunk.snapshotId, chunks: new Map() }
      this.#staged.chunks.set(chunk.number, chunk.chunk)
    }
    if (snapshot) {
      this.#snapshot = snapshot
      this.#chunks = this.#staged?.snapshotId === snapshot.id ? this.#staged.chunks : new Map()
      this.#staged = undefined
    }
    if (discardThrough > 0) this.#entries = this.#entries.filter(({ index }) => index > discardThrough)
  }

  #readChunk(snapshotId: string, number: number): ChunkOutcome {
    const chunk = this.#snapshot?.id === snapshotId ? this.#chunks.get(number) : undefined
    if (chunk !== undefined) return { chunk }
    return { error: new RoostError('STORE_FAILED', `snapshot ${snapshotId} has no chunk ${number} here`) }
  }

  get #stagedCount(): StagedSnapshot | undefined {
    if (this.#staged === undefined) return undefined
    const { snapshotId, chunks } = this.#staged
    let chunkCount = 0
    while (chunks.has(chunkCount)) chunkCount++
    return { snapshotId, chunkCount }
  }
}
