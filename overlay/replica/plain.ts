import type { Plain } from '../env/index.ts'
import { shape, type Shape } from '../env/index.ts'

/**
 * Plain values in a replicated log. Every replica must be given the same value, wherever it got it from: the one that took it
 * from a caller in its own process, those that decoded it from CBOR, and those that read it from their disk. So a value is brought
 * into the form that CBOR gives back before it enters the log.
 */

/** Lists and tables inside each other, in a chunk of a snapshot; what wraps it stays within the codec's bound. */
export const PLAIN_DEPTH_MAX = 16
/** The same of a command, a query and a reply: a service may keep any of them in a table, and the table in chunks. */
export const COMMAND_DEPTH_MAX = 10

/** What a value weighs that is no plain one, or is too deep. */
export const TOO_HEAVY = Infinity

/** A plain value of at most `weightMax` and `depthMax`; what is `undefined` is none. */
export function plain(weightMax: number, depthMax = PLAIN_DEPTH_MAX): Shape<NonNullable<Plain> | null> {
  return (value, path) => {
    if (value === undefined || weigh(value, depthMax) > weightMax)
      throw shape.malformed(path, `a value of weight ${weightMax}`)
    return value as NonNullable<Plain> | null
  }
}

/**
 * At least how many bytes a value takes as CBOR, and at least two for each item in it: what bounds the weight of a message
 * bounds its bytes and its items.
 */
export function weigh(value: unknown, depthLeft = PLAIN_DEPTH_MAX): number {
  switch (typeof value) {
    case 'string':
      return 5 + textBytes(value)
    case 'number':
      return 9
    case 'boolean':
    case 'undefined':
      return 2
    case 'object':
      break
    default:
      return TOO_HEAVY
  }
  if (value === null) return 2
  if (value instanceof Uint8Array) return 5 + value.length
  if (depthLeft === 0) return TOO_HEAVY
  let weight = 5
  if (Array.isArray(value)) for (const item of value) weight += weigh(item, depthLeft - 1)
  else
    for (const key of Object.keys(value))
      weight += 5 + textBytes(key) + weigh((value as Record<string, unknown>)[key], depthLeft - 1)
  return weight
}

/** The value as the codec would give it back: keys in its order, no fields that are undefined, no -0, well-formed text. */
export function canonical(value: Plain): Plain {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'number') return value === 0 ? 0 : value
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return value.map(canonical)
  const table = value as { readonly [key: string]: Plain }
  const copy: Record<string, Plain> = {}
  for (const key of Object.keys(table).sort(byCodecOrder))
    if (table[key] !== undefined) define(copy, key.toWellFormed(), canonical(table[key]))
  return copy
}

/** A key like any other, even where it is `__proto__`. */
function define(target: Record<string, Plain>, key: string, value: Plain): void {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Core deterministic CBOR (RFC 8949, 4.2.1): the shorter first, then bytewise. */
function byCodecOrder(one: string, other: string): number {
  return textBytes(one) - textBytes(other) || compareByCodePoints(one, other)
}

/** Of texts with equal bytes in UTF-8 the order of bytes is the order of code points. */
function compareByCodePoints(one: string, other: string): number {
  for (let index = 0; index < one.length && index < other.length; index++) {
    const [a, b] = [one.codePointAt(index)!, other.codePointAt(index)!]
    if (a !== b) return a - b
  }
  return one.length - other.length
}

function textBytes(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // Two bytes to U+07FF; three beyond, where each half of a pair counts two of four.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2
  }
  return bytes
}
