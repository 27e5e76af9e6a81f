import { LIVE_EXPRESSION_CHARS_MAX } from '../live/index.ts'
import { shape } from '../env/index.ts'
import type { CallWire, Crypto, ShapeOf } from '../env/index.ts'
import {
  APPLICATION_NAME_CHARS_MAX,
  INSTANCE_CHARS_MAX,
  OWNER_CHARS_MAX,
  applicationName,
  signedApplicationRecord,
} from './application-record.ts'

/**
 * The directory of applications is cut into shards by the hash of names. A shard is kept by the nodes that are nearest to its key in
 * the DHT; publishers put their records there, readers ask there, for a name or for all that an expression is true of.
 */

/** More shards spread the directory over more nodes of a large grid, and make a query over all of it ask more of them. */
export const SHARDS_COUNT = 16
/** Records in one put: 16 of at most 16 KB, mostly of 1. */
export const PUT_RECORDS_COUNT_MAX = 16
/** Records in one page of an answer, and the bytes that they may have together: as many of them as fit. */
export const PAGE_RECORDS_COUNT_MAX = 64
export const PAGE_BYTES_MAX = 229_376
/** An identity (`identityOf`): a name, an owner, a peer id and an instance. */
const IDENTITY_CHARS_MAX = APPLICATION_NAME_CHARS_MAX + OWNER_CHARS_MAX + 64 + INSTANCE_CHARS_MAX + 3
const MESSAGE_BYTES_MAX = 262_144

const shardNumber = shape.integer(0, SHARDS_COUNT - 1)
/** Behind this identity in this shard. */
const place = shape.record({ shard: shardNumber, identity: shape.text(IDENTITY_CHARS_MAX) })

const request = shape.union({
  /** The sender's own records. */
  put: shape.record({ records: shape.list(signedApplicationRecord, PUT_RECORDS_COUNT_MAX) }),
  /** A page of these shards, in the order given: all of one name, taken back or not, or what `where` is true of; of one owner or all. */
  read: shape.record({
    shards: shape.list(shardNumber, SHARDS_COUNT),
    name: shape.optional(applicationName),
    owner: shape.optional(shape.text(OWNER_CHARS_MAX)),
    where: shape.optional(shape.text(LIVE_EXPRESSION_CHARS_MAX)),
    /** Begins behind this place. */
    after: shape.optional(place),
  }),
})

const reply = shape.union({
  /** Of a put, by index: an empty text for a record that was taken, else the code of why it was not. */
  taken: shape.record({ refusals: shape.list(shape.text(64), PUT_RECORDS_COUNT_MAX) }),
  /** `next`: there may be more behind this place. */
  page: shape.record({
    records: shape.list(signedApplicationRecord, PAGE_RECORDS_COUNT_MAX),
    next: shape.optional(place),
  }),
})

export type ApplicationRequest = ShapeOf<typeof request>
export type ApplicationReply = ShapeOf<typeof reply>
export type Place = ShapeOf<typeof place>

export const applicationsWire: CallWire<ApplicationRequest, ApplicationReply> = {
  id: '/roost/applications/1',
  messageBytesMax: MESSAGE_BYTES_MAX,
  parseRequest: (value) => request(value, 'request'),
  parseReply: (value) => reply(value, 'reply'),
}

/** In which shard a name stands. */
export function shardOf(name: string, vo: string, crypto: Pick<Crypto, 'hash'>): number {
  return crypto.hash(['application', vo, name])[0]! % SHARDS_COUNT
}

/** Where a shard stands in the DHT. */
export function shardKey(shard: number, vo: string, crypto: Pick<Crypto, 'hash'>): Uint8Array {
  return crypto.hash(['applications', vo, shard])
}
