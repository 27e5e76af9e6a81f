import { createHash } from 'node:crypto'

/**
 * Topics are few and fixed, since a peer is kept for about a thousand of them and then drops more without a word: the keys of
 * events share them by hash.
 */
export const TOPICS_COUNT = 64
export const TOPICS: readonly string[] = Array.from({ length: TOPICS_COUNT }, (_, shard) => `/roost/events/1/${shard}`)

/** The longest event, encoded and with its key. Events are hints; what is long is read from where it is kept. */
export const EVENT_BYTES_MAX = 65_536

export function topicOf(key: string): string {
  return TOPICS[createHash('sha256').update(key).digest().readUInt32BE() % TOPICS_COUNT]!
}
