/**
 * A fingerprint of a plain value: fast, well mixed, and the same for values whose canonical CBOR is the same (fields in any
 * order; an `undefined` field is no field; -0 is 0). It stands in for SHA-256 in the simulator, where nobody searches for
 * collisions; it resists accidents, not attackers.
 *
 * Four 32-bit lanes take one word each in turn, multiplied and rotated as in MurmurHash3, and are mixed with each other at
 * the end. The state is module-wide, since a value is read to its end before the next one begins.
 */
export function digestInto(target: Uint32Array, key: number, value: unknown): void {
  begin(key)
  absorbValue(value, 0)
  finish()
  for (let word = 0; word < target.length; word++) target[word] = squeeze(word)
}

/** The same as one 32-bit word. */
export function digestWord(value: unknown): number {
  begin(0)
  absorbValue(value, 0)
  finish()
  return squeeze(0)
}

/** A text as one 32-bit word. */
export function textWord(text: string, key: number): number {
  begin(key)
  absorbText(text)
  finish()
  return squeeze(0)
}

let a = 0
let b = 0
let c = 0
let d = 0

function begin(key: number): void {
  a = key ^ 0x243f6a88
  b = key ^ 0x85a308d3
  c = key ^ 0x13198a2e
  d = key ^ 0x03707344
}

/** The lanes change places with every word, so that each word reaches all of them. */
function absorb(word: number): void {
  let mixed = Math.imul(word, 0xcc9e2d51)
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
  const turned = a ^ mixed
  a = (b + Math.imul(turned, 5)) | 0
  b = ((c << 13) | (c >>> 19)) ^ turned
  c = (d + mixed) | 0
  d = (Math.imul((turned << 11) | (turned >>> 21), 0xab0e9789) + 0x561ccd1b) | 0
}

function finish(): void {
  for (let round = 0; round < 4; round++) absorb(round)
}

function squeeze(index: number): number {
  let word = (a + Math.imul(b, index + 1) + Math.imul(c, index * index + 3) + Math.imul(d, index ^ 0x55)) | 0
  word = Math.imul(word ^ (word >>> 16) ^ index, 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}

/** A tag before each value keeps kinds and lengths apart: no list looks like two values side by side. */
function absorbValue(value: unknown, depth: number): void {
  if (typeof value === 'string') {
    absorb(TAG_TEXT)
    absorbText(value)
  } else if (typeof value === 'number') absorbNumber(value)
  else if (value === undefined || value === null || typeof value === 'boolean')
    absorb(value === undefined ? 0xf7 : value === null ? 0xf6 : value ? 0xf5 : 0xf4)
  else if (depth === DEPTH_MAX || typeof value !== 'object') throw new TypeError('not a plain value')
  else if (value instanceof Uint8Array) absorbBytes(value)
  else if (Array.isArray(value)) {
    absorb(TAG_LIST)
    absorb(value.length)
    for (const item of value) absorbValue(item, depth + 1)
  } else absorbRecord(value as Readonly<Record<string, unknown>>, depth)
}

function absorbNumber(value: number): void {
  if ((value | 0) === value) {
    absorb(TAG_INTEGER)
    absorb(value)
  } else {
    double[0] = value
    absorb(TAG_DOUBLE)
    absorb(doubleWords[0]!)
    absorb(doubleWords[1]!)
  }
}
const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

function absorbText(text: string): void {
  const length = text.length
  absorb(length)
  let index = 0
  for (; index + 1 < length; index += 2) absorb(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16))
  if (index < length) absorb(text.charCodeAt(index))
}

function absorbBytes(bytes: Uint8Array): void {
  absorb(TAG_BYTES)
  absorb(bytes.length)
  for (let index = 0; index < bytes.length; index += 4)
    absorb(
      bytes[index]! |
        ((bytes[index + 1] ?? 0) << 8) |
        ((bytes[index + 2] ?? 0) << 16) |
        ((bytes[index + 3] ?? 0) << 24),
    )
}

function absorbRecord(record: Readonly<Record<string, unknown>>, depth: number): void {
  const keys = Object.keys(record)
  for (let index = 1; index < keys.length; index++)
    if (keys[index - 1]! > keys[index]!) {
      keys.sort()
      break
    }
  absorb(TAG_RECORD)
  for (const key of keys) {
    const value = record[key]
    if (value === undefined) continue
    absorbText(key)
    absorbValue(value, depth + 1)
  }
  absorb(TAG_END)
}

const TAG_INTEGER = 0x101
const TAG_DOUBLE = 0x102
const TAG_TEXT = 0x103
const TAG_BYTES = 0x104
const TAG_LIST = 0x105
const TAG_RECORD = 0x106
const TAG_END = 0x107

/** As deep as the daemon's codec reads; what is deeper is a mistake of ours. */
const DEPTH_MAX = 32
