import { encode as encodeCbor, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEPTH_MAX, ITEMS_MAX, decode, encode, LastEncoded } from '../../../node/codec/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import type { Plain } from '../../../overlay/index.ts'

const LIMITS = { bytesMax: 1_000_000 }

const { plain } = fc.letrec<{ plain: Plain }>((tie) => ({
  plain: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Plain>(null, true, false),
    fc.maxSafeInteger(),
    fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array(),
    fc.array(tie('plain')),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')), tie('plain')),
  ),
}))

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (thrown) {
    if (thrown instanceof RoostError) return thrown.code
    throw thrown
  }
  return 'none'
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

describe('round trip', () => {
  test('every plain value comes back equal', () => {
    fc.assert(fc.property(plain, (value) => void expect(decode(encode(value), LIMITS)).toEqual(value)))
  })

  test('the order in which fields were written does not show in the bytes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), plain), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed())
        expect(encode(reversed)).toEqual(encode(value))
      }),
    )
  })

  test('what was decoded encodes to the same bytes', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const bytes = encode(value)
        expect(encode(decode(bytes, LIMITS) as Plain)).toEqual(bytes)
      }),
    )
  })

  test('keys stand in the bytewise order of RFC 8949', () => {
    expect(encode({ b: 1, aa: 2, a: 3 })).toEqual(hex('a3 6161 03 6162 01 626161 02'))
  })

  test('the bytes are those of cborg with its options for RFC 8949', () => {
    const options = { ...rfc8949EncodeOptions, ignoreUndefinedProperties: true }
    fc.assert(fc.property(plain, (value) => void expect(encode(value)).toEqual(encodeCbor(value, options))))
    // Keys of every length that a head of another size announces, and of every number of bytes that a character takes.
    const keys = [
      '',
      'z',
      'é',
      '€',
      '😀',
      'a'.repeat(23),
      'b'.repeat(24),
      '€'.repeat(8),
      'a'.repeat(255),
      'b'.repeat(256),
    ]
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ unit: 'grapheme' })), plain),
        (value) => void expect(encode(value)).toEqual(encodeCbor(value, options)),
      ),
    )
  })

  test('a field that is undefined is left out; undefined in a list stays', () => {
    expect(encode({ a: undefined, b: 1 })).toEqual(encode({ b: 1 }))
    expect(decode(encode([undefined, 1]), LIMITS)).toEqual([undefined, 1])
  })

  test('Buffers are bytes, and bytes come back as a copy', () => {
    const bytes = encode({ data: Buffer.from('abc') })
    const { data } = decode(bytes, LIMITS) as { data: Uint8Array }
    bytes.fill(0)
    expect([...data]).toEqual([97, 98, 99])
  })

  test('what is not plain fails as our own mistake', () => {
    const cycle: Plain[] = []
    cycle.push(cycle)
    expect(codeOf(() => encode(cycle))).toBe('INTERNAL')
    expect(codeOf(() => encode((() => 1) as unknown as Plain))).toBe('INTERNAL')
  })
})

describe('bytes from a peer', () => {
  test('random bytes give a value or a typed error, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['none', 'MESSAGE_MALFORMED']).toContain(codeOf(() => decode(bytes, LIMITS)))
      }),
      { numRuns: 5_000 },
    )
  })

  test('damaged messages give a value or a typed error', () => {
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(255), (value, position, byte) => {
        const bytes = Uint8Array.from(encode(value))
        bytes[position % bytes.length] = byte
        expect(['none', 'MESSAGE_MALFORMED']).toContain(codeOf(() => decode(bytes, LIMITS)))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['nothing', ''],
    ['two items', '01 01'],
    ['a list that ends early', '83 01 02'],
    ['a list that claims 2^32 items', '9a ffffffff 01'],
    ['text that claims 2^31 bytes', '7a 7fffffff 61'],
    ['a tag', 'c0 61 61'],
    ['an indefinite list', '9f 01 ff'],
    ['indefinite text', '7f 6161 ff'],
    ['a length longer than needed', '58 01 00'],
    ['a number longer than needed', '18 01'],
    ['a whole number beyond 2^53', '1b 0020000000000001'],
    ['a key that is a number', 'a1 01 02'],
    ['a key twice', 'a2 6161 01 6161 02'],
    ['__proto__ twice', 'a2 69 5f5f70726f746f5f5f 01 69 5f5f70726f746f5f5f 02'],
  ])('%s is malformed', (_what, bytes) => {
    expect(codeOf(() => decode(hex(bytes), LIMITS))).toBe('MESSAGE_MALFORMED')
  })

  test('a message beyond its bound is refused before it is looked at', () => {
    expect(codeOf(() => decode(new Uint8Array(11), { bytesMax: 10 }))).toBe('MESSAGE_TOO_LARGE')
  })

  test(`lists may lie ${DEPTH_MAX} deep and no deeper, whatever the length of the message`, () => {
    const nested = (depth: number): Uint8Array => new Uint8Array([...Array(depth - 1).fill(0x81), 0x80])
    expect(codeOf(() => decode(nested(DEPTH_MAX), LIMITS))).toBe('none')
    expect(codeOf(() => decode(nested(DEPTH_MAX + 1), LIMITS))).toBe('MESSAGE_MALFORMED')
    expect(codeOf(() => decode(new Uint8Array(900_000).fill(0x81), LIMITS))).toBe('MESSAGE_MALFORMED')
  })

  test(`a message may hold ${ITEMS_MAX} values and no more`, () => {
    expect(codeOf(() => decode(encode(Array(ITEMS_MAX - 1).fill(0)), LIMITS))).toBe('none')
    expect(codeOf(() => decode(encode(Array(ITEMS_MAX).fill(0)), LIMITS))).toBe('MESSAGE_MALFORMED')
  })

  test('__proto__ is a field like any other and reaches no prototype', () => {
    const value = decode(hex('a1 69 5f5f70726f746f5f5f a1 65 61646d696e f5'), LIMITS) as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(value['admin']).toBeUndefined()
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })
})

test('a value that is given again is encoded once, and another value anew', () => {
  const encoder = new LastEncoded()
  const value = { a: [1, 2] }
  const bytes = encoder.encode(value)
  expect(encoder.encode(value)).toBe(bytes)
  expect(encoder.encode({ a: [1, 2] })).not.toBe(bytes)
  expect(encoder.encode(undefined)).toEqual(encode(undefined))
  expect(encoder.encode(value)).toEqual(bytes)
})
