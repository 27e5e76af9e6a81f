import { MemoryDisk, type Entry, type StorageWrite, type StoredReplica } from '../../../overlay/index.ts'

/** A disk that takes everything at once: what a real one should have. */
export class ModelDisk {
  readonly #disk = new MemoryDisk()
  readonly #storage = this.#disk.storage({ after: (_delayMs, run) => run(), delayMs: () => 0 })

  write(write: StorageWrite): void {
    this.#storage.persist(write, () => undefined)
  }

  get stored(): StoredReplica | undefined {
    return this.#disk.stored
  }
}

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUj2xj6vnc6hDEp'

export function entryOf(index: number, term: number, text = 'command'): Entry {
  return { index, term, atMs: 1, type: 'command', peer: PEER, session: 1, sequence: index, settled: 1, command: text }
}

export function snapshotOf(id: string, index: number, term: number, chunkCount: number) {
  const configuration = { voters: [{ peer: PEER, incarnation: 1 }], learners: [] }
  return { id, index, term, configuration, chunkCount, weight: 10 }
}

/**
 * A replica's writes as a replica makes them, steered by numbers: entries that follow, entries that replace others, terms, chunks, snapshots
 * that are taken or received.
 */
export function writesOf(steps: readonly number[]): StorageWrite[] {
  const writes: StorageWrite[] = [{ hardState: { term: 1, incarnation: 7 } }]
  let [last, term, base, count] = [0, 1, 0, 0]
  for (const step of steps) {
    const size = 1 + ((step >> 3) % 4)
    const fresh = (from: number): Entry[] =>
      Array.from({ length: size }, (_, offset) => entryOf(from + offset, term, 'x'.repeat(step % 300)))
    const id = `snapshot ${++count}`
    switch (step % 8) {
      case 0:
        term++
        writes.push({ hardState: { term, votedFor: PEER, incarnation: 7 } })
        break
      case 1: {
        // A new leader's entries replace what was not committed.
        const from = Math.max(base + 1, last - size)
        term++
        writes.push({ hardState: { term, incarnation: 7 } }, { entries: fresh(from) })
        last = from + size - 1
        break
      }
      case 2:
        for (let number = 0; number < size; number++)
          writes.push({ chunk: { snapshotId: id, number, chunk: `${id}/${number}` } })
        break
      case 3:
        if (last === base) break
        for (let number = 0; number < size; number++)
          writes.push({ chunk: { snapshotId: id, number, chunk: `${id}/${number}` } })
        writes.push({ snapshot: snapshotOf(id, last, term, size), discardThrough: Math.max(base, last - size) })
        base = last
        break
      case 4:
        writes.push({ chunk: { snapshotId: id, number: 0, chunk: id } })
        base = last + size
        last = base
        writes.push({ snapshot: snapshotOf(id, base, term, 1), discardThrough: Infinity })
        break
      default:
        writes.push({ entries: fresh(last + 1) })
        last += size
    }
  }
  return writes
}
