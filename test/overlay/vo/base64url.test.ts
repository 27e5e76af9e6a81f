import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64url, toBase64url } from '../../../overlay/vo/base64url.ts'
import { crc32 } from '../../../overlay/vo/crc32.ts'

test('agrees with Node on every bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64url(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64url'))
      expect(fromBase64url(text)).toEqual(bytes)
    }),
  )
})

test('no two texts stand for the same bytes', () => {
  expect(fromBase64url('AA')).toEqual(Uint8Array.of(0))
  expect(fromBase64url('AB')).toBeUndefined()
  expect(fromBase64url('AAAAA')).toBeUndefined()
  expect(fromBase64url('AA==')).toBeUndefined()
})

test('the checksum is the one of the standard: its check value', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
})
