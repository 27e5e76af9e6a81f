import { decode, encode } from 'cborg'
import { RoostError, shape, type Plain } from '../../overlay/index.ts'
import type { SignedStatement, Trust } from '../../overlay/contract/index.ts'
import { STATEMENT_BYTES_MAX, type CheckStatement } from '../protocol/index.ts'

const signedStatement = shape.record({
  statement: shape.record({
    action: shape.text(64),
    body: (value: unknown) => value as Plain & {},
    atMs: shape.integer(),
    nonce: shape.bytes(64),
  }),
  signer: shape.peerId,
  certificate: shape.bytes(16 * 1024),
  signature: shape.bytes(256),
})

/** A signed statement as the command line sends it, CBOR; `MESSAGE_MALFORMED` or `MESSAGE_TOO_LARGE` where it is none. */
export function decodeStatement(bytes: Uint8Array): Plain & {} {
  if (bytes.length > STATEMENT_BYTES_MAX)
    throw new RoostError('MESSAGE_TOO_LARGE', `a signed statement has at most ${STATEMENT_BYTES_MAX} bytes`, {
      hint: 'put what is long into a file and name it under `stage: { in: [...] }`',
    })
  try {
    const options = { strict: true, allowIndefinite: false, allowBigInt: false, rejectDuplicateMapKeys: true }
    const value: unknown = decode(bytes, options)
    signedStatement(value, 'statement')
    return value as Plain & {}
  } catch (thrown) {
    if (thrown instanceof RoostError) throw thrown
    throw new RoostError('MESSAGE_MALFORMED', 'the body is no signed statement', { cause: thrown })
  }
}

/** As a form carries it. */
export function encodeStatement(statement: Plain & {}): Uint8Array<ArrayBuffer> {
  return encode(statement) as Uint8Array<ArrayBuffer>
}

/** Checks statements for the deciding side by the daemon's trust. */
export function checkWith(trust: Trust): CheckStatement {
  return (value, action, options) => {
    const signed = signedStatement(value, 'statement') as SignedStatement
    const member = trust.check(signed, action, options)
    return { owner: member.id, body: signed.statement.body }
  }
}
