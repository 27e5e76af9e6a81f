import { shape } from '../env/index.ts'
import type { Crypto, PeerId, Plain, ShapeOf } from '../env/index.ts'
import { RoostError } from '../error/index.ts'

/**
 * Who controls a job: one small record in the DHT, signed by the job's leading controller. Records of one job are totally
 * ordered, so that every node that has seen the same records keeps the same one, in whatever order they came: the higher epoch wins
 * (a takeover has a higher one), then the higher sequence (a leader's later word), and between two words that are equal in
 * both, which only a faulty leader or two nodes that believe to lead can make, the greater signature.
 *
 * A signature says who wrote a record, not whether they may: that is checked where the record is used, against the job's own log
 * at its controllers. The directory is a pointer, and a false one costs a round trip.
 */

export const JOB_RECORD_CONTEXT = 'job-record'

/** A replica group has at most five members; two more while it changes. */
export const CONTROLLERS_COUNT_MAX = 7
export const JOB_ID_CHARS_MAX = 64
/** The signed record as CBOR: seven peer ids, a job id, an owner, a fingerprint and a signature are about 800 bytes. */
export const JOB_RECORD_BYTES_MAX = 2_048

const jobIdShape: shape.Shape<string> = (value, path) => {
  if (typeof value !== 'string' || value.length > JOB_ID_CHARS_MAX || !/^[0-9A-Za-z_.-]+$/.test(value))
    throw shape.malformed(path, `a job id of at most ${JOB_ID_CHARS_MAX} characters`)
  return value
}

const recordShape = shape.record({
  jobId: jobIdShape,
  controllers: shape.list(shape.peerId, CONTROLLERS_COUNT_MAX),
  epoch: shape.integer(),
  sequence: shape.integer(),
  owner: shape.text(128),
  vo: shape.text(128),
})

const signedShape = shape.record({ record: recordShape, signature: shape.bytes(64) })

/** The record's fields, as the contract for plugins names them. */
export type JobRecordFields = ShapeOf<typeof recordShape>
export type SignedJobRecord = ShapeOf<typeof signedShape>

/** Signs as the first controller; `crypto` must be that node's. Throws `MESSAGE_MALFORMED` where a field is out of bounds. */
export function signJobRecord(record: JobRecordFields, crypto: Crypto): SignedJobRecord {
  const checked = withLeader(recordShape(record, 'job record'))
  return { record: checked, signature: crypto.sign(JOB_RECORD_CONTEXT, plain(checked)) }
}

/** A record whose signature holds. Throws `MESSAGE_MALFORMED` or `SIGNATURE_INVALID`. */
export function parseJobRecord(value: unknown, crypto: Crypto): SignedJobRecord {
  const signed = signedShape(value, 'job record')
  const leader = leaderOf(withLeader(signed.record))
  if (!crypto.verify(leader, JOB_RECORD_CONTEXT, plain(signed.record), signed.signature))
    throw new RoostError('SIGNATURE_INVALID', `the record of job ${signed.record.jobId} was not signed by ${leader}`)
  return signed
}

/** Negative where `left` is older, 0 where both are one record, positive where it is newer. A total order. */
export function compareJobRecords(left: SignedJobRecord, right: SignedJobRecord): number {
  return (
    left.record.epoch - right.record.epoch ||
    left.record.sequence - right.record.sequence ||
    compareBytes(left.signature, right.signature)
  )
}

function plain(record: JobRecordFields): Plain {
  return { ...record }
}

function leaderOf(record: JobRecordFields): PeerId {
  return record.controllers[0]!
}

function withLeader(record: JobRecordFields): JobRecordFields {
  if (record.controllers.length === 0) throw shape.malformed('job record.controllers', 'at least one')
  return record
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = left[index]! - right[index]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
