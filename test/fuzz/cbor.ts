/**
 * Writes CBOR that no codec of ours would: beside plain values, pieces of raw bytes at any place in them. It keeps no rule, since it makes
 * what an attacker sends: keys out of order or twice, lengths that nothing follows, tags, halves of items.
 */

/** Bytes that stand in a tree where a value should. */
export class Raw {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Major types of RFC 8949, section 3.1. */
export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, list: 4, table: 5, tag: 6, simple: 7 } as const

/** The encoding of a tree of plain values and `Raw` pieces. */
export function emit(tree: unknown): Uint8Array {
  const chunks: Uint8Array[] = []
  emitInto(chunks, tree)
  return Buffer.concat(chunks)
}

/** The head of an item: `argument` in the shortest form, or in one of `width` bytes (1, 2, 4 or 8). */
export function head(major: number, argument: number | bigint, width?: 1 | 2 | 4 | 8): Uint8Array {
  const value = BigInt(argument)
  if (width === undefined && value < 24n) return Uint8Array.of((major << 5) | Number(value))
  const bytesCount = width ?? (value < 0x100n ? 1 : value < 0x1_0000n ? 2 : value < 0x1_0000_0000n ? 4 : 8)
  const bytes = Buffer.alloc(1 + bytesCount)
  bytes[0] = (major << 5) | (24 + Math.log2(bytesCount))
  if (bytesCount === 8) bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 1)
  else bytes.writeUIntBE(Number(value), 1, bytesCount)
  return bytes
}

export function float(value: number): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes[0] = 0xfb
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function emitInto(chunks: Uint8Array[], tree: unknown): void {
  if (tree instanceof Raw) chunks.push(tree.bytes)
  else if (tree === null) chunks.push(Uint8Array.of(0xf6))
  else if (tree === undefined) chunks.push(Uint8Array.of(0xf7))
  else if (typeof tree === 'boolean') chunks.push(Uint8Array.of(tree ? 0xf5 : 0xf4))
  else if (typeof tree === 'number') chunks.push(emitNumber(tree))
  else if (typeof tree === 'string') {
    const bytes = Buffer.from(tree)
    chunks.push(head(MAJOR.text, bytes.length), bytes)
  } else if (tree instanceof Uint8Array) chunks.push(head(MAJOR.bytes, tree.length), tree)
  else if (Array.isArray(tree)) {
    chunks.push(head(MAJOR.list, tree.length))
    for (const item of tree) emitInto(chunks, item)
  } else {
    const entries = Object.entries(tree as object)
    chunks.push(head(MAJOR.table, entries.length))
    for (const [key, value] of entries) {
      emitInto(chunks, key)
      emitInto(chunks, value)
    }
  }
}

function emitNumber(value: number): Uint8Array {
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 64) return float(value)
  return value >= 0 ? head(MAJOR.unsigned, value) : head(MAJOR.negative, -1n - BigInt(value))
}
