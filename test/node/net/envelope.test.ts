import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import {
  ERROR_BYTES_MAX,
  decodeEnvelope,
  decodeError,
  encodeEnvelope,
  encodeError,
} from '../../../node/net/envelope.ts'
import { RoostError } from '../../../overlay/index.ts'
import type { Plain } from '../../../overlay/index.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof RoostError) return thrown.code
    throw thrown
  }
  return 'none'
}

describe('an envelope', () => {
  test('comes back as it was written', () => {
    const envelopes = fc.record({
      channel: fc.string({ maxLength: 100 }),
      kind: fc.constantFrom('message', 'request', 'reply', 'error'),
      id: fc.maxSafeNat(),
      body: fc.uint8Array(),
    })
    fc.assert(
      fc.property(envelopes, (envelope) => void expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual(envelope)),
    )
  })

  test('of random bytes is MESSAGE_MALFORMED or an envelope', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(['none', 'MESSAGE_MALFORMED']).toContain(codeOf(() => decodeEnvelope(bytes)))
      }),
    )
  })

  test.each<[string, Plain]>([
    ['no list', { channel: 'x' }],
    ['a short list', ['x', 0, 1]],
    ['a long list', ['x', 0, 1, new Uint8Array(0), 0]],
    ['a channel that is no text', [1, 0, 1, new Uint8Array(0)]],
    ['a channel that is long', ['x'.repeat(129), 0, 1, new Uint8Array(0)]],
    ['an unknown kind', ['x', 4, 1, new Uint8Array(0)]],
    ['a kind by name', ['x', 'request', 1, new Uint8Array(0)]],
    ['an id that is no whole number', ['x', 0, 0.5, new Uint8Array(0)]],
    ['a negative id', ['x', 0, -1, new Uint8Array(0)]],
    ['a body that is not encoded', ['x', 0, 1, {}]],
  ])('with %s is malformed', (_what, value) => {
    expect(codeOf(() => decodeEnvelope(encode(value)))).toBe('MESSAGE_MALFORMED')
  })
})

describe('an error on its way', () => {
  test('keeps code, words, certainty, hint and data', () => {
    const error = new RoostError('CONFLICT', 'held', { certain: false, data: { by: 'n1', cores: 3 }, hint: 'wait' })
    expect(decodeError(encodeError(error)).toJSON()).toEqual(error.toJSON())
  })

  test('stays within its bound, whatever it says', () => {
    const long = new RoostError('CONFLICT', 'ü'.repeat(100_000), {
      hint: 'ü'.repeat(100_000),
      data: { text: 'x'.repeat(100_000) },
    })
    const bytes = encodeError(long)
    expect(bytes.length).toBeLessThanOrEqual(ERROR_BYTES_MAX)
    expect(decodeError(bytes).code).toBe('CONFLICT')
  })

  test('leaves behind data that cannot be sent', () => {
    const odd = new RoostError('CONFLICT', 'held', { data: { callback: () => 1, error: new Error('x') } })
    expect(decodeError(encodeError(odd)).toJSON()).toMatchObject({ code: 'CONFLICT', message: 'held' })
  })

  test('that cannot be read is MESSAGE_MALFORMED, uncertain; one of an unknown code is INTERNAL', () => {
    expect(decodeError(Uint8Array.of(0xff))).toMatchObject({ code: 'MESSAGE_MALFORMED', certain: false })
    expect(decodeError(encode({ code: 'NONSENSE', message: 'x' })).code).toBe('INTERNAL')
  })
})
