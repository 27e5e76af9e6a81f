import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decode, encode } from '../../../node/codec/index.ts'
import { parseJoinReply, parseJoinRequest, parsePresented, parseSignedStatement } from '../../../overlay/index.ts'
import type { Plain } from '../../../overlay/index.ts'

/** Bytes of messages as they were once released, in hexadecimal: they are read for ever. */
const GOLDEN = join(import.meta.dirname, '../../golden/vo')

const PEER = '12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z'
const bytes = (count: number, first: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, at) => (first + at) % 256)
const user = { id: PEER, name: 'Ada', proof: bytes(64, 7) }
const fingerprint = 'f5'.repeat(32)

const MESSAGES: Record<string, { readonly parse: (value: unknown) => unknown; readonly value: Plain }> = {
  'presented-1': { parse: parsePresented, value: { certificates: [bytes(20, 1)] } },
  'join-redeem-1': {
    parse: parseJoinRequest,
    value: { type: 'redeem', fingerprint, secret: bytes(16, 2), user },
  },
  'join-renew-1': {
    parse: parseJoinRequest,
    value: { type: 'renew', fingerprint, certificate: bytes(20, 3), user: { ...user, certificate: bytes(20, 4) } },
  },
  'join-reply-1': {
    parse: parseJoinReply,
    value: { authority: bytes(20, 5), node: bytes(20, 6), member: bytes(20, 7) },
  },
  'signed-statement-1': {
    parse: parseSignedStatement,
    value: {
      statement: { action: 'job.submit', body: { run: 'true' }, atMs: 1_797_861_048_000, nonce: bytes(16, 8) },
      signer: PEER,
      certificate: bytes(20, 9),
      signature: bytes(64, 10),
    },
  },
}

test.each(Object.entries(MESSAGES))(
  '%s is read from its stored bytes, and written as them',
  (name, { parse, value }) => {
    const stored = Buffer.from(readFileSync(join(GOLDEN, `${name}.hex`), 'utf8').trim(), 'hex')
    expect(parse(decode(stored, { bytesMax: 10_000 }))).toEqual(value)
    expect(Buffer.from(encode(value)).toString('hex')).toBe(stored.toString('hex'))
  },
)

test('every stored message is read by somebody', () => {
  expect(readdirSync(GOLDEN).toSorted()).toEqual(
    Object.keys(MESSAGES)
      .map((name) => `${name}.hex`)
      .toSorted(),
  )
})
