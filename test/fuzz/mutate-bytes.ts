import { pick, type Rng } from '../../overlay/index.ts'
import { head, MAJOR } from './cbor.ts'

/** Changes that know nothing of what the bytes mean. Each gives new bytes and leaves the old ones as they are. */
export type ByteMutation = (bytes: Uint8Array, rng: Rng, others: readonly Uint8Array[]) => Uint8Array

/** The longest piece that is added at once. */
const PIECE_BYTES_MAX = 64

export const BYTE_MUTATIONS: readonly ByteMutation[] = [
  flipBit,
  setByte,
  truncate,
  cutOut,
  insertRandom,
  repeatPiece,
  splice,
  bombLength,
  appendPiece,
  allRandom,
]

export function mutateBytes(bytes: Uint8Array, rng: Rng, others: readonly Uint8Array[]): Uint8Array {
  return pick(BYTE_MUTATIONS, rng)!(bytes, rng, others)
}

export function randomBytes(count: number, rng: Rng): Uint8Array {
  return Uint8Array.from({ length: count }, () => rng.below(256))
}

function flipBit(bytes: Uint8Array, rng: Rng): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (copy.length > 0) copy[rng.below(copy.length)]! ^= 1 << rng.below(8)
  return copy
}

/** Heads of items, and the values at which their meaning changes. */
const EDGES = [0x00, 0x17, 0x18, 0x1b, 0x1f, 0x3b, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xf6, 0xf7, 0xf8, 0xff]

function setByte(bytes: Uint8Array, rng: Rng): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (copy.length > 0) copy[rng.below(copy.length)] = rng.below(2) === 0 ? pick(EDGES, rng)! : rng.below(256)
  return copy
}

function truncate(bytes: Uint8Array, rng: Rng): Uint8Array {
  return bytes.slice(0, rng.below(bytes.length + 1))
}

function cutOut(bytes: Uint8Array, rng: Rng): Uint8Array {
  const start = rng.below(bytes.length + 1)
  return replaced(bytes, { start, end: start + rng.below(bytes.length - start + 1) }, new Uint8Array())
}

function insertRandom(bytes: Uint8Array, rng: Rng): Uint8Array {
  const start = rng.below(bytes.length + 1)
  return replaced(bytes, { start, end: start }, randomBytes(1 + rng.below(PIECE_BYTES_MAX), rng))
}

function repeatPiece(bytes: Uint8Array, rng: Rng): Uint8Array {
  const start = rng.below(bytes.length + 1)
  const piece = bytes.slice(start, start + 1 + rng.below(PIECE_BYTES_MAX))
  const times = 1 + rng.below(8)
  return replaced(bytes, { start, end: start }, Buffer.concat(Array.from({ length: times }, () => piece)))
}

/** The beginning of one input and the end of another. */
function splice(bytes: Uint8Array, rng: Rng, others: readonly Uint8Array[]): Uint8Array {
  const other = pick(others, rng) ?? bytes
  return Buffer.concat([
    bytes.subarray(0, rng.below(bytes.length + 1)),
    other.subarray(Math.max(0, other.length - rng.below(other.length + 1))),
  ])
}

/** A head that announces far more than there is. */
function bombLength(bytes: Uint8Array, rng: Rng): Uint8Array {
  const start = rng.below(bytes.length + 1)
  const major = pick([MAJOR.bytes, MAJOR.text, MAJOR.list, MAJOR.table], rng)!
  const length = pick(
    [0xff, 0xffff, 0xff_ffff, 0x7fff_ffff, 0xffff_ffff, 2n ** 53n - 1n, 2n ** 63n, 2n ** 64n - 1n],
    rng,
  )!
  return replaced(bytes, { start, end: Math.min(bytes.length, start + rng.below(2)) }, head(major, length))
}

function appendPiece(bytes: Uint8Array, rng: Rng): Uint8Array {
  return Buffer.concat([bytes, randomBytes(1 + rng.below(PIECE_BYTES_MAX), rng)])
}

function allRandom(bytes: Uint8Array, rng: Rng): Uint8Array {
  return randomBytes(rng.below(Math.max(1, Math.min(bytes.length, 512))), rng)
}

function replaced(bytes: Uint8Array, range: { start: number; end: number }, piece: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, range.start), piece, bytes.subarray(range.end)])
}
