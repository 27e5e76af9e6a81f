import { keys as libp2pKeys } from '@libp2p/crypto'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BoundedCache,
  createCrypto,
  createSurroundings,
  generateKey,
  peerIdOf,
  publicKeyOf,
  rawPrivateKey,
  systemRng,
} from '../../../node/keys/index.ts'
import type { Plain } from '../../../overlay/index.ts'

describe('peer ids', () => {
  test('are those of libp2p for the same key', () => {
    const key = generateKey()
    const theirs = libp2pKeys.privateKeyFromRaw(rawPrivateKey(key))
    expect(peerIdFromPrivateKey(theirs).toString()).toBe(key.id)
    expect(peerIdFromString(key.id).publicKey?.raw).toEqual(key.publicKey)
  })

  test('lead back to the key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (raw) => {
        expect(publicKeyOf(peerIdOf(raw))).toEqual(raw)
      }),
    )
  })

  test('of other kinds, and anything else, lead to no key', () => {
    expect(publicKeyOf('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).toBeUndefined()
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 50, maxLength: 54 }), (text) => {
        expect(publicKeyOf(text)).toBeUndefined()
      }),
    )
  })
})

describe('signatures', () => {
  const alice = generateKey()
  const crypto = createCrypto(alice)
  const other = createCrypto(generateKey())
  const plain = (): fc.Arbitrary<Plain> =>
    fc.object({ values: [fc.string(), fc.integer(), fc.boolean(), fc.uint8Array()] }) as fc.Arbitrary<Plain>

  test('hold for just what was signed, by whom, and under which context', () => {
    fc.assert(
      fc.property(plain(), plain(), fc.string(), fc.string(), (value, otherValue, context, otherContext) => {
        const signature = crypto.sign(context, value)
        expect(signature).toHaveLength(64)
        expect(other.verify(alice.id, context, value, signature)).toBe(true)
        const sameValue = Buffer.from(crypto.hash(value)).equals(crypto.hash(otherValue))
        expect(other.verify(alice.id, context, otherValue, signature)).toBe(sameValue)
        expect(other.verify(alice.id, otherContext, value, signature)).toBe(context === otherContext)
        expect(other.verify(generateKey().id, context, value, signature)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  test('cannot be moved by shifting a border between context and value', () => {
    const signature = crypto.sign('a', ['b', 'c'])
    expect(crypto.verify(alice.id, 'ab', ['c'], signature)).toBe(false)
    expect(crypto.verify(alice.id, 'roost', ['a', ['b', 'c']], signature)).toBe(false)
  })

  test('that are none are false, never thrown', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 80 }), (signer, signature) => {
        expect(crypto.verify(signer, 'x', 1, signature)).toBe(false)
        expect(crypto.verify(alice.id, 'x', 1, signature)).toBe(false)
      }),
    )
    const cyclic: Plain[] = []
    cyclic.push(cyclic)
    expect(crypto.verify(alice.id, 'x', cyclic, new Uint8Array(64))).toBe(false)
    for (const raw of [new Uint8Array(32), new Uint8Array(32).fill(0xff)])
      expect(crypto.verify(peerIdOf(raw), 'x', 1, new Uint8Array(64))).toBe(false)
  })
})

test('a bounded cache forgets what was asked for longest ago', () => {
  const cache = new BoundedCache<string, number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.count]).toEqual([1, undefined, 3, 2])
})

test('the real world tells time and has chance', () => {
  const key = generateKey()
  const world = createSurroundings(key)
  expect(world.self).toBe(key.id)
  expect(world.wallMs).toBeGreaterThan(1_700_000_000_000)
  expect(world.nowMs).toBeLessThanOrEqual(world.nowMs)
  const rng = systemRng()
  const drawn = Array.from({ length: 3_000 }, () => rng.below(6))
  expect(new Set(drawn)).toEqual(new Set([0, 1, 2, 3, 4, 5]))
  expect(rng.real()).toBeLessThan(1)
})
