import type { Plain } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'
import { plainBytes, plainOf } from './size.ts'

/** Bytes for values and back: the daemon's codec, given to the simulation by whoever may import it. */
export interface Codec {
  encode(value: Plain): Uint8Array
  /** Throws a `RoostError`, whatever the bytes. */
  decode(bytes: Uint8Array, limits: { readonly bytesMax: number }): unknown
}

/**
 * How a value crosses from one node to another. Without a passage it is handed over as it is, neither measured nor parsed: the
 * fast way, for protocols that are known to keep the rules.
 */
export interface Passage {
  /** What travels. Throws `MESSAGE_TOO_LARGE` beyond the sender's bound. */
  pack(value: unknown, bytesMax: number): Parcel
  /** What comes out at the other end, not yet parsed. Throws `MESSAGE_TOO_LARGE` beyond the receiver's bound. */
  unpack(parcel: Parcel, bytesMax: number): unknown
}

export interface Parcel {
  readonly content: unknown
  readonly bytesCount: number
}

/** Everything crosses as bytes, as it does between daemons. */
export function codecPassage(codec: Codec): Passage {
  return {
    pack(value, bytesMax) {
      const content = codec.encode(plainOf(value) as Plain)
      refuseBeyond(content.length, bytesMax)
      return { content, bytesCount: content.length }
    },
    unpack: (parcel, bytesMax) => codec.decode(parcel.content as Uint8Array, { bytesMax }),
  }
}

/**
 * Values cross as they are, but measured and frozen through and through: a protocol that changes what it has sent, or has
 * been sent, fails at the place where it does so.
 */
export const strictPassage: Passage = {
  pack(value, bytesMax) {
    const content = plainOf(value)
    const bytesCount = plainBytes(content)
    refuseBeyond(bytesCount, bytesMax)
    return { content: deepFreeze(content), bytesCount }
  },
  unpack(parcel, bytesMax) {
    refuseBeyond(parcel.bytesCount, bytesMax)
    return parcel.content
  },
}

function refuseBeyond(bytesCount: number, bytesMax: number): void {
  if (bytesCount > bytesMax)
    throw new RoostError('MESSAGE_TOO_LARGE', `${bytesCount} bytes where at most ${bytesMax} are sent`, {
      data: { bytes: bytesCount, bytesMax },
    })
}

/** Typed arrays cannot be frozen and stay as they are. */
function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const field of Object.values(value)) deepFreeze(field)
  return value
}
