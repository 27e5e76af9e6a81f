import { crc32 } from 'node:zlib'
import { RoostError, type Plain } from '../../overlay/index.ts'
import { decode, encode } from '../codec/index.ts'

/**
 * How groups lie in their database. `g/<group>` says where: in which place. A place has a head, entries and chunks, and every value
 * begins with a checksum over its key and itself, so that what a disk has changed is not taken for what was written.
 */

/** A chunk weighs at most a quarter of this. */
const VALUE_BYTES_MAX = 1_048_576
const CHECKSUM_BYTES = 4

export const GROUPS = { gte: 'g/', lt: 'g0' }
export const PLACES = { gte: 'p/', lt: 'p0' }

/** The numbers of the last batches. */
export const RING = { gte: 'b/', lt: 'b0' }

export interface Range {
  readonly gte: string
  readonly lt: string
}

export function groupKey(group: string): string {
  return `g/${group}`
}

export function ringKey(number: number): string {
  return `b/${digits(number)}`
}

/** The keys of one place. Entries stand under an epoch, chunks under a slot: to begin a new one empties the old in one stroke. */
export function placeKeys(place: number) {
  const prefix = `p/${digits(place)}`
  return {
    all: { gte: `${prefix}/`, lt: `${prefix}0` },
    head: `${prefix}/h`,
    entry: (epoch: number, index: number) => `${prefix}/e/${digits(epoch)}/${digits(index)}`,
    entries: (epoch: number, first: number): Range => ({
      gte: `${prefix}/e/${digits(epoch)}/${digits(first)}`,
      lt: `${prefix}/e/${digits(epoch)}0`,
    }),
    chunk: (slot: number, number: number) => `${prefix}/c/${digits(slot)}/${digits(number)}`,
    chunks: (slot: number): Range => ({ gte: `${prefix}/c/${digits(slot)}/`, lt: `${prefix}/c/${digits(slot)}0` }),
  }
}

export type PlaceKeys = ReturnType<typeof placeKeys>

/** The place that a key is of. */
export function placeOf(key: string): number {
  return Number(key.slice(2, 2 + DIGITS))
}

/** The number that a key ends with. */
export function numberOf(key: string): number {
  return Number(key.slice(-DIGITS))
}

export function seal(key: string, value: Plain): Uint8Array {
  const bytes = encode(value)
  const sealed = new Uint8Array(CHECKSUM_BYTES + bytes.length)
  sealed.set(bytes, CHECKSUM_BYTES)
  new DataView(sealed.buffer).setUint32(0, checksum(key, bytes))
  return sealed
}

/** What `seal` was given; `STORE_FAILED` with the key in words where the bytes are others than those that were written. */
export function unseal(key: string, sealed: Uint8Array): unknown {
  const bytes = sealed.subarray(CHECKSUM_BYTES)
  const isWhole =
    sealed.length > CHECKSUM_BYTES &&
    new DataView(sealed.buffer, sealed.byteOffset).getUint32(0) === checksum(key, bytes)
  if (!isWhole) throw damaged(`what lies under ${key} is not what was written`)
  return decode(bytes, { bytesMax: VALUE_BYTES_MAX })
}

export function damaged(what: string, cause?: unknown): RoostError {
  return new RoostError('STORE_FAILED', what, { cause, data: { isDamaged: true } })
}

/** Whether a failure says that the disk has lost or changed something, rather than that it cannot be read or written now. */
export function isDamage(error: unknown): boolean {
  if (error instanceof RoostError && (error.data?.['isDamaged'] === true || error.code === 'MESSAGE_MALFORMED'))
    return true
  const { code, message = '', cause } = (error ?? {}) as { code?: unknown; message?: string; cause?: unknown }
  if (code === 'LEVEL_CORRUPTION' || /corruption/i.test(message)) return true
  return cause !== undefined && cause !== error && isDamage(cause)
}

const DIGITS = 16

/** As many digits as the largest safe number has, so that keys sort as numbers do. */
function digits(number: number): string {
  return String(number).padStart(DIGITS, '0')
}

function checksum(key: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(key))
}
