import { Tokenizer, Type, decode as decodeCbor, encode as encodeCbor } from 'cborg'
import type { Token } from 'cborg'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { Plain } from '../../overlay/index.ts'

/**
 * Plain values as bytes: CBOR (RFC 8949), written in its core deterministic form (section 4.2.1: shortest lengths, map keys
 * in bytewise order), so that equal values give equal bytes and a signature over them holds. What comes from a peer is read
 * within bounds that are checked before anything is built; the one way to fail is a `RoostError`.
 */

/** Lists and tables inside each other. The deepest message of ours has seven; the bound keeps the reader's stack flat. */
export const DEPTH_MAX = 32

/**
 * Values in one message, counting each. A reply with 1,000 descriptors of 40 attributes has about 90,000; the bound
 * keeps a mebibyte of one-byte values from becoming a hundred of objects.
 */
export const ITEMS_MAX = 200_000

export interface DecodeLimits {
  /** The longest input that is looked at. */
  readonly bytesMax: number
}

/**
 * The canonical bytes of a value. A field that is `undefined` is left out, so `{ a: undefined }` and `{}` are one value;
 * -0 is written as 0, and text with lone surrogates as U+FFFD in their place. What is not plain (a function, a cycle) is a
 * mistake of ours and fails as `INTERNAL`.
 */
export function encode(value: Plain): Uint8Array {
  try {
    return encodeCbor(value, ENCODE_OPTIONS)
  } catch (thrown) {
    throw asRoostError(thrown)
  }
}

/** Encodes a value once where it is given several times in a row: values are not changed, nor are the bytes that are given for one. */
export class LastEncoded {
  #value: Plain
  #bytes: Uint8Array | undefined

  encode(value: Plain): Uint8Array {
    if (this.#bytes === undefined || this.#value !== value) {
      this.#bytes = encode(value)
      this.#value = value
    }
    return this.#bytes
  }
}

/**
 * The value that the bytes stand for; it still has to be parsed, since it may be anything plain. Fails with
 * `MESSAGE_TOO_LARGE` beyond `bytesMax`, and with `MESSAGE_MALFORMED` for whatever is not one CBOR item of plain values: tags,
 * indefinite lengths, lengths that are longer than needed, whole numbers beyond 2^53, keys that are no text or stand twice,
 * too much depth or too many values. Byte strings are copies. `__proto__` is a key like any other: an own field.
 */
export function decode(bytes: Uint8Array, { bytesMax }: DecodeLimits): unknown {
  if (bytes.length > bytesMax)
    throw new RoostError('MESSAGE_TOO_LARGE', `${bytes.length} bytes where at most ${bytesMax} are read`, {
      data: { bytes: bytes.length, bytesMax },
    })
  try {
    // A Buffer's own `slice` shares memory, so it is read as the Uint8Array that it is beneath.
    const plainBytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return decodeCbor(plainBytes, { ...DECODE_OPTIONS, tokenizer: new BoundedTokenizer(plainBytes, DECODE_OPTIONS) })
  } catch (cause) {
    if (cause instanceof RoostError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RoostError('MESSAGE_MALFORMED', `not a value: ${reason}`, { cause })
  }
}

/**
 * cborg sorts shortest keys first unless told otherwise. Text begins with its length, so for our keys that is the bytewise order; and
 * cborg's own options for RFC 8949 encode every key anew to compare it, which takes twice the time.
 */
const ENCODE_OPTIONS = { ignoreUndefinedProperties: true }

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
}

/** Counts values and depth while the reader pulls them, so that both bounds hold before anything is built from what is beyond. */
class BoundedTokenizer extends Tokenizer {
  #itemsLeft = ITEMS_MAX
  /** How many values each open list or table still expects, the innermost last. */
  readonly #expected: number[] = []

  override next(): Token {
    const token = super.next()
    if (this.#itemsLeft-- === 0) throw new RoostError('MESSAGE_MALFORMED', `more than ${ITEMS_MAX} values`)
    const innermost = this.#expected.length - 1
    if (innermost >= 0) this.#expected[innermost]!--
    const isList = Type.equals(token.type, Type.array)
    if (isList || Type.equals(token.type, Type.map)) this.#open(isList ? token.value : token.value * 2)
    while (this.#expected.at(-1) === 0) this.#expected.pop()
    return token
  }

  #open(valuesCount: number): void {
    if (this.#expected.length === DEPTH_MAX)
      throw new RoostError('MESSAGE_MALFORMED', `lists and tables more than ${DEPTH_MAX} deep`)
    this.#expected.push(valuesCount)
  }
}
