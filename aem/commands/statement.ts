import { encode, rfc8949EncodeOptions } from 'cborg'
import type { SignedStatement } from '../../overlay/contract/index.ts'

/** A statement as it is sent: CBOR in the deterministic form of RFC 8949. */
export function encodeStatement(statement: SignedStatement): Uint8Array<ArrayBuffer> {
  return encode(statement, { ...rfc8949EncodeOptions, ignoreUndefinedProperties: true }) as Uint8Array<ArrayBuffer>
}
