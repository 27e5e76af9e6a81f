import { readEntry, type Entry, type StoredReplica } from '../../overlay/index.ts'
import { EMPTY_HEAD, readHead, type Head } from './group-place.ts'
import { damaged, numberOf, unseal, type PlaceKeys, type Range } from './records.ts'

export interface Readable {
  get(key: string): Promise<Uint8Array | undefined>
  keys(range: Range): AsyncIterable<string>
  iterator(range: Range): AsyncIterable<[string, Uint8Array]>
}

export interface Recovered {
  readonly head: Head
  readonly lastIndex: number
  /** Undefined where nothing was ever written. */
  readonly stored: StoredReplica | undefined
  /** What lies there and counts no more. */
  readonly garbage: readonly Range[]
}

/**
 * What a replica left in its place, after any crash. Whatever cannot be the outcome of whole batches is damage, and fails as such: a
 * replica that went on with a part of its log would break what it has promised to others. What no reader can see is a log that
 * was cut at the end of a batch; it looks as if the rest had never been written.
 */
export async function recover(level: Readable, keys: PlaceKeys): Promise<Recovered> {
  const sealed = await level.get(keys.head)
  if (sealed === undefined) {
    for await (const key of level.keys(keys.all)) throw damaged(`${keys.head} is gone, and ${key} is there`)
    return { head: EMPTY_HEAD, lastIndex: 0, stored: undefined, garbage: [] }
  }
  const head = readHead(unseal(keys.head, sealed), 'head')
  const { hardState, snapshot } = head
  if (hardState === undefined) throw damaged(`${keys.head} has no term`)
  const entries = await readEntries(level, keys, head)
  const staged =
    head.stagedId === undefined
      ? undefined
      : { snapshotId: head.stagedId, chunkCount: await countChunks(level, keys, head.stagedSlot) }
  return {
    head,
    lastIndex: entries.at(-1)?.index ?? 0,
    stored: { hardState, entries, ...(snapshot && { snapshot }), ...(staged && { staged }) },
    garbage: garbageOf(keys, head),
  }
}

async function readEntries(level: Readable, keys: PlaceKeys, { epoch, firstIndex, ...head }: Head): Promise<Entry[]> {
  const entries: Entry[] = []
  const snapshotIndex = head.snapshot?.index ?? 0
  for await (const [key, sealed] of level.iterator(keys.entries(epoch, firstIndex))) {
    const entry = readEntry(unseal(key, sealed), 'entry')
    const before = entries.at(-1)
    const follows = before === undefined ? entry.index <= snapshotIndex + 1 : entry.index === before.index + 1
    if (entry.index !== numberOf(key) || !follows) throw damaged(`entries before ${key} are gone`)
    if (entry.term < (before?.term ?? 0) || entry.term > head.hardState!.term)
      throw damaged(`${key} is of a term that was never written`)
    entries.push(entry)
  }
  return entries
}

async function countChunks(level: Readable, keys: PlaceKeys, slot: number): Promise<number> {
  let count = 0
  for await (const key of level.keys(keys.chunks(slot))) {
    if (numberOf(key) !== count) break
    count++
  }
  return count
}

function garbageOf(keys: PlaceKeys, { epoch, firstIndex, nextSlot, snapshotSlot, stagedSlot }: Head): Range[] {
  const [low, high] = [Math.min(snapshotSlot, stagedSlot), Math.max(snapshotSlot, stagedSlot)]
  return [
    { gte: keys.entry(0, 0), lt: keys.entry(epoch, firstIndex) },
    { gte: keys.chunk(0, 0), lt: keys.chunk(low, 0) },
    { gte: keys.chunk(low + 1, 0), lt: keys.chunk(high, 0) },
    { gte: keys.chunk(high + 1, 0), lt: keys.chunk(nextSlot, 0) },
  ].filter(({ gte, lt }) => gte < lt)
}
