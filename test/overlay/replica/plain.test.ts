import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode, encode } from '../../../node/codec/index.ts'
import type { Plain } from '../../../overlay/index.ts'
import { canonical, plain, PLAIN_DEPTH_MAX, weigh } from '../../../overlay/replica/plain.ts'

const values = fc.object({
  maxDepth: 4,
  key: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('__proto__')),
  values: [
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(-0),
    fc.uint8Array({ maxLength: 30 }),
  ],
}) as fc.Arbitrary<Plain>

test('law: a value is brought into the form that the codec gives back, keys and all', () => {
  fc.assert(
    fc.property(values, (value) => {
      const brought = canonical(value)
      const decoded = decode(encode(value), { bytesMax: 1_000_000 })
      expect(brought).toEqual(decoded)
      expect(JSON.stringify(brought)).toBe(JSON.stringify(decoded))
    }),
  )
})

test('law: a value weighs at least its bytes, and two for each item', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(weigh(value)).toBeGreaterThanOrEqual(encode(value).length)
      expect(weigh(value)).toBeGreaterThanOrEqual(2 * itemsIn(value))
    }),
  )
})

test('what is too deep, too heavy or not plain is refused', () => {
  let deep: Plain = 1
  for (let depth = 0; depth <= PLAIN_DEPTH_MAX; depth++) deep = [deep]
  const read = plain(100)
  for (const value of [deep, 'x'.repeat(100), undefined, () => 1, 1n, [[undefined, Symbol('x')]]])
    expect(() => read(value, 'value')).toThrow(expect.objectContaining({ code: 'MESSAGE_MALFORMED' }))
  expect(read([1, 'two', null], 'value')).toEqual([1, 'two', null])
})

function itemsIn(value: Plain): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1
  const inner = Object.entries(value).reduce((count, [, field]) => count + itemsIn(field), 0)
  return 1 + inner + (Array.isArray(value) ? 0 : Object.keys(value).length)
}
