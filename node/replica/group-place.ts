import {
  readHardState,
  readSnapshotMeta,
  shape,
  type ChunkOutcome,
  type HardState,
  type Plain,
  type ReplicaStorage,
  type RoostError,
  type SnapshotMeta,
  type StorageWrite,
} from '../../overlay/index.ts'
import { mapDiskError } from '../data/index.ts'
import type { GroupCommit, Operation } from './group-commit.ts'
import { damaged, isDamage, seal, unseal, type PlaceKeys, type Range } from './records.ts'
import type { Sweeper } from './sweeper.ts'

/** What a place begins with: all that is small. It is written whenever something of it changes, in the batch that changes it. */
export interface Head {
  readonly hardState?: HardState
  /** The snapshot to start from, and where its chunks are. */
  readonly snapshot?: SnapshotMeta
  readonly snapshotSlot: number
  /** The one that is being taken or received. */
  readonly stagedId?: string
  readonly stagedSlot: number
  /** Never used before. */
  readonly nextSlot: number
  /** Where the log's entries are; those before `firstIndex` count no more. */
  readonly epoch: number
  readonly firstIndex: number
}

export const EMPTY_HEAD: Head = { snapshotSlot: 0, stagedSlot: 0, nextSlot: 1, epoch: 1, firstIndex: 1 }

const number = shape.integer()
export const readHead = shape.record({
  hardState: shape.optional(readHardState),
  snapshot: shape.optional(readSnapshotMeta),
  snapshotSlot: number,
  stagedId: shape.optional(shape.text(128)),
  stagedSlot: number,
  nextSlot: number,
  epoch: number,
  firstIndex: number,
}) as shape.Shape<Head>

export interface GroupPlaceDependencies {
  readonly keys: PlaceKeys
  readonly commit: GroupCommit
  readonly sweeper: Sweeper
  readonly level: { get(key: string): Promise<Uint8Array | undefined>; readonly location: string }
  /** A chunk is not what was written, or gone. */
  readonly onDamage: (error: RoostError) => void
}

/** One life of a replica on its disk. After a write that failed it takes no more: what lies there is read anew first. */
export class GroupPlace implements ReplicaStorage {
  readonly #dependencies: GroupPlaceDependencies
  #head: Head
  #lastIndex: number
  #error: RoostError | undefined

  constructor(dependencies: GroupPlaceDependencies, from: { readonly head: Head; readonly lastIndex: number }) {
    this.#dependencies = dependencies
    this.#head = from.head
    this.#lastIndex = from.lastIndex
  }

  persist(write: StorageWrite, settled: (error?: RoostError) => void): void {
    if (this.#error) {
      const error = this.#error
      setImmediate(() => settled(error))
      return
    }
    const garbage: Range[] = []
    this.#dependencies.commit.write(this.#operations(write, garbage), (error) => {
      this.#error ??= error
      if (!error && garbage.length > 0) this.#dependencies.sweeper.sweep(...garbage)
      settled(error)
    })
  }

  readChunk(snapshotId: string, chunkNumber: number, got: (outcome: ChunkOutcome) => void): void {
    this.#readChunk(snapshotId, chunkNumber).then(got, (thrown: unknown) => {
      const error = mapDiskError(thrown, this.#dependencies.level.location)
      if (isDamage(thrown)) this.#dependencies.onDamage(error)
      got({ error })
    })
  }

  async #readChunk(snapshotId: string, chunkNumber: number): Promise<ChunkOutcome> {
    const { keys, level } = this.#dependencies
    const { snapshot, snapshotSlot } = this.#head
    const key = keys.chunk(snapshotSlot, chunkNumber)
    const bytes = snapshot?.id === snapshotId ? await level.get(key) : undefined
    // It may have been another's turn while the disk was read.
    if (bytes === undefined && this.#head.snapshot?.id === snapshotId) throw damaged(`${key} is gone`)
    if (bytes === undefined) throw new Error(`${snapshotId} is not the snapshot any more`)
    return { chunk: unseal(key, bytes) as Exclude<Plain, undefined> }
  }

  #operations(
    { hardState, entries, chunk, snapshot, discardThrough = 0 }: StorageWrite,
    garbage: Range[],
  ): Operation[] {
    const { keys } = this.#dependencies
    const operations: Operation[] = []
    const put = (key: string, value: unknown): void => {
      operations.push({ type: 'put', key, value: seal(key, value as Plain) })
    }
    let head = this.#head
    if (hardState) head = { ...head, hardState }
    if (entries) {
      for (const entry of entries) put(keys.entry(head.epoch, entry.index), entry)
      const last = entries.at(-1)!.index
      for (let index = last + 1; index <= this.#lastIndex; index++)
        operations.push({ type: 'del', key: keys.entry(head.epoch, index) })
      this.#lastIndex = last
    }
    if (chunk) {
      if (head.stagedId !== chunk.snapshotId) {
        if (head.stagedId !== undefined) garbage.push(keys.chunks(head.stagedSlot))
        head = { ...head, stagedId: chunk.snapshotId, stagedSlot: head.nextSlot, nextSlot: head.nextSlot + 1 }
      }
      put(keys.chunk(head.stagedSlot, chunk.number), chunk.chunk)
    }
    if (snapshot) {
      if (head.snapshot) garbage.push(keys.chunks(head.snapshotSlot))
      const { stagedId, stagedSlot, ...rest } = head
      const isStaged = stagedId === snapshot.id
      if (stagedId !== undefined && !isStaged) garbage.push(keys.chunks(stagedSlot))
      head = { ...rest, stagedSlot: 0, snapshot, snapshotSlot: isStaged ? stagedSlot : 0 }
    }
    if (discardThrough === Infinity) {
      garbage.push(keys.entries(head.epoch, 0))
      head = { ...head, epoch: head.epoch + 1, firstIndex: 1 }
      this.#lastIndex = 0
    } else if (discardThrough >= head.firstIndex) {
      garbage.push({ gte: keys.entry(head.epoch, 0), lt: keys.entry(head.epoch, discardThrough + 1) })
      head = { ...head, firstIndex: discardThrough + 1 }
    }
    if (head !== this.#head) put(keys.head, head)
    this.#head = head
    return operations
  }
}
