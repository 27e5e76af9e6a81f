import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shape, type Plain } from '../../../overlay/env/index.ts'
import { encode } from '../../../node/codec/index.ts'
import { SimulatedCrypto } from '../../../sim/engine/crypto.ts'
import { plainBytes } from '../../../sim/engine/size.ts'
import { chanceFor } from '../../../sim/engine/index.ts'
import { drawPeerId } from '../../../sim/engine/names.ts'

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Plain>(null, true, false),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 70_000 }),
    fc.double({ noNaN: true }),
    fc.float({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(fc.string({ maxLength: 30 }), tie('value'), { maxKeys: 30 }),
  ),
})).value

describe('plain values in the simulator', () => {
  test('are measured as the codec writes them', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(plainBytes(value)).toBe(encode(value).length)
      }),
    )
  })

  test('have equal hashes just when they have equal bytes', () => {
    const crypto = new SimulatedCrypto('anybody', 1)
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        const sameBytes = Buffer.from(encode(one)).equals(encode(other))
        expect(Buffer.from(crypto.hash(one)).equals(crypto.hash(other))).toBe(sameBytes)
      }),
    )
  })
})

describe('chance', () => {
  test('is drawn below its bound, each value as likely', () => {
    const rng = chanceFor(1, 'node', 1)
    for (const bound of [1, 2, 3, 10, 2 ** 31, 2 ** 32])
      for (let draw = 0; draw < 100; draw++) expect(rng.below(bound)).toBeLessThan(bound)
    const counts = [0, 0, 0, 0, 0, 0, 0]
    for (let draw = 0; draw < 70_000; draw++) counts[rng.below(7)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })

  test('differs by seed, purpose and index', () => {
    const streams = [
      chanceFor(1, 'node', 0),
      chanceFor(2, 'node', 0),
      chanceFor(1, 'network', 0),
      chanceFor(1, 'node', 1),
    ]
    expect(new Set(streams.map((rng) => rng.next())).size).toBe(4)
  })

  test('names nodes in the form of peer ids', () => {
    const rng = chanceFor(1, 'names')
    const names = Array.from({ length: 1_000 }, () => shape.peerId(drawPeerId(rng), 'id'))
    expect(new Set(names).size).toBe(1_000)
  })
})
