/**
 * How many bytes a plain value takes as CBOR (RFC 8949, core deterministic form of section 4.2.1), without making them. A field
 * that is `undefined` is left out.
 */
export function plainBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return textBytes(value)
    case 'number':
      return numberBytes(value)
    case 'boolean':
    case 'undefined':
      return 1
    case 'object':
      return value === null ? 1 : objectBytes(value)
    default:
      throw new TypeError(`a ${typeof value} is not a plain value`)
  }
}

function objectBytes(value: object): number {
  if (value instanceof Uint8Array) return headBytes(value.length) + value.length
  let total = 0
  if (Array.isArray(value)) {
    for (const item of value) total += plainBytes(item)
    return headBytes(value.length) + total
  }
  let fieldCount = 0
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    total += textBytes(key) + plainBytes(field)
    fieldCount++
  }
  return headBytes(fieldCount) + total
}

function textBytes(text: string): number {
  const length = Buffer.byteLength(text)
  return headBytes(length) + length
}

/** The initial byte and the argument after it (section 3). */
function headBytes(argument: number): number {
  if (argument < 24) return 1
  if (argument < 0x100) return 2
  if (argument < 0x1_0000) return 3
  return argument < 0x1_0000_0000 ? 5 : 9
}

function numberBytes(value: number): number {
  if (Number.isSafeInteger(value)) return headBytes(value < 0 ? -1 - value : value)
  if (Number.isNaN(value) || Math.fround(value) !== value) return Number.isNaN(value) ? 3 : 9
  return isHalf(value) ? 3 : 5
}

/** Whether a half-precision float (IEEE 754 binary16) holds it: eleven significant bits, and exponents from -24 to 15. */
function isHalf(value: number): boolean {
  if (!Number.isFinite(value)) return true
  const magnitude = Math.abs(value)
  if (magnitude > 65_504) return false
  const unit = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(magnitude)) - 10)
  return Number.isInteger(magnitude / unit)
}

/** What a message is as bytes, where it has a shorter form within one process: what its `toJSON` says, as everywhere in the language. */
export function plainOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'toJSON' in message && typeof message.toJSON === 'function'
    ? message.toJSON()
    : message
}
