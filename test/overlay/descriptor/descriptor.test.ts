import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkDescriptor,
  DESCRIPTOR_BYTES_MAX,
  DESCRIPTOR_CLOCK_TOLERANCE_MS,
  DESCRIPTOR_LIFE_MS,
  DescriptorChecker,
  DescriptorOwner,
  isNewer,
  mintDescriptor,
  readDescriptor,
  RoostError,
  type Descriptor,
  type Plain,
} from '../../../overlay/index.ts'
import { encode } from '../../../node/codec/index.ts'
import { HandEnv, peerIds } from './hand-env.ts'

const [alice, bob] = peerIds(2) as [string, string]
const fields = { name: 'a', sequence: 5, addresses: ['/ip4/127.0.0.1/tcp/1'], attributes: { Cores: 4 } }

function envs(): { owner: HandEnv<never, never, never>; reader: HandEnv<never, never, never> } {
  return { owner: new HandEnv(alice), reader: new HandEnv(bob) }
}

describe('a descriptor', () => {
  test('is good as its owner minted it', () => {
    const { owner, reader } = envs()
    const descriptor = mintDescriptor(fields, owner)
    expect(descriptor).toMatchObject({ peer: alice, expiresMs: owner.wallMs + DESCRIPTOR_LIFE_MS })
    expect(checkDescriptor(descriptor, reader)).toBeUndefined()
    expect(readDescriptor(structuredClone(descriptor), 'd')).toEqual(descriptor)
  })

  test.each<[string, Partial<Descriptor>]>([
    ['the name', { name: 'b' }],
    ['the sequence', { sequence: 6 }],
    ['the expiry', { expiresMs: 1_900_000_000_000 + DESCRIPTOR_LIFE_MS - 1 }],
    ['an address', { addresses: ['/ip4/127.0.0.1/tcp/2'] }],
    ['an attribute', { attributes: { Cores: 400 } }],
    ['the peer', { peer: bob }],
    ['the signature', { signature: new Uint8Array(64) }],
  ])('is forged when somebody changes %s', (_, change) => {
    const { owner, reader } = envs()
    expect(checkDescriptor({ ...mintDescriptor(fields, owner), ...change }, reader)).toBe('forged')
  })

  test('ends with its life, give or take the tolerance of clocks', () => {
    const { owner, reader } = envs()
    const descriptor = mintDescriptor(fields, owner)
    reader.wallMs = descriptor.expiresMs + DESCRIPTOR_CLOCK_TOLERANCE_MS - 1
    expect(checkDescriptor(descriptor, reader)).toBeUndefined()
    reader.wallMs++
    expect(checkDescriptor(descriptor, reader)).toBe('expired')
    reader.wallMs = owner.wallMs - DESCRIPTOR_CLOCK_TOLERANCE_MS - 1
    expect(checkDescriptor(descriptor, reader)).toBe('lives-too-long')
  })

  test('stays below its bound in bytes, however large within the others', () => {
    const { owner } = envs()
    const wide = '\u4e16'.repeat(256)
    const attributes = Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`a${index}`, wide]))
    const addresses = Array<string>(8).fill(wide)
    const largest = mintDescriptor({ name: wide.slice(0, 64), sequence: 2 ** 53 - 1, addresses, attributes }, owner)
    expect(encode(readDescriptor(largest, 'd') as unknown as Plain).length).toBeLessThan(DESCRIPTOR_BYTES_MAX)
  })

  test('law: anything gives a descriptor or a typed error', () => {
    const { owner } = envs()
    const good = mintDescriptor(fields, owner)
    const spoilt = fc
      .tuple(fc.constantFrom(...Object.keys(good)), fc.anything())
      .map(([key, to]) => ({ ...good, [key]: to }))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), spoilt), (value) => {
        try {
          readDescriptor(value, 'd')
        } catch (error) {
          expect(error).toBeInstanceOf(RoostError)
        }
      }),
    )
  })
})

describe('the checker', () => {
  test('verifies the same bytes once, and hands back the first copy', () => {
    const { owner, reader } = envs()
    const descriptor = mintDescriptor(fields, owner)
    let verifications = 0
    const counting = {
      self: reader.self,
      nowMs: 0,
      wallMs: reader.wallMs,
      rng: reader.rng,
      crypto: {
        hash: () => new Uint8Array(32),
        sign: () => new Uint8Array(64),
        verify: (...parts: Parameters<typeof reader.crypto.verify>) => {
          verifications++
          return reader.crypto.verify(...parts)
        },
      },
    }
    const checker = new DescriptorChecker()
    expect(checker.check(descriptor, counting)).toEqual({ ok: true, descriptor })
    const again = checker.check(structuredClone(descriptor), counting)
    expect(again.ok && again.descriptor).toBe(descriptor)
    expect(verifications).toBe(1)
  })

  test('keeps the first of two that were signed under one number, and says so', () => {
    const { owner, reader } = envs()
    const checker = new DescriptorChecker()
    const first = mintDescriptor(fields, owner)
    checker.check(first, reader)
    const second = mintDescriptor({ ...fields, name: 'two-faced' }, owner)
    expect(checker.check(second, reader)).toEqual({ ok: false, fault: 'conflict' })
    const again = checker.check(first, reader)
    expect(again.ok && again.descriptor).toBe(first)
  })

  test('hands back the newest word in place of an old one', () => {
    const { owner, reader } = envs()
    const checker = new DescriptorChecker()
    const newer = mintDescriptor({ ...fields, sequence: 9 }, owner)
    checker.check(newer, reader)
    expect(checker.check(mintDescriptor(fields, owner), reader)).toEqual({ ok: true, descriptor: newer })
  })

  test('does not take a forgery for what it verified before', () => {
    const { owner, reader } = envs()
    const checker = new DescriptorChecker()
    const descriptor = mintDescriptor(fields, owner)
    checker.check(descriptor, reader)
    const forged = { ...descriptor, attributes: { Cores: 999 } }
    expect(checker.check(forged, reader)).toEqual({ ok: false, fault: 'forged' })
  })

  test('forgets who was verified longest ago when it is full', () => {
    const { reader } = envs()
    const checker = new DescriptorChecker({ countMax: 2 })
    const descriptors = peerIds(3).map((id) => mintDescriptor(fields, new HandEnv(id)))
    for (const descriptor of descriptors) checker.check(descriptor, reader)
    const copy = structuredClone(descriptors[0]!)
    const again = checker.check(copy, reader)
    expect(again.ok && again.descriptor).toEqual(copy)
  })
})

describe('the owner', () => {
  test('says each new thing under a higher number', () => {
    const { owner } = envs()
    const minted: Descriptor[] = []
    const own = new DescriptorOwner(
      { surroundings: owner, onMinted: (descriptor) => minted.push(descriptor) },
      { ...fields, startSequence: 10 },
    )
    const first = own.current()
    expect(first.sequence).toBe(10)
    own.update({ attributes: { Cores: 8 } })
    expect(own.current()).toMatchObject({ sequence: 11, attributes: { Cores: 8 }, addresses: fields.addresses })
    own.renewAbove(40)
    expect(own.current().sequence).toBe(41)
    expect(minted.map((descriptor) => descriptor.sequence)).toEqual([11, 41])
    expect(isNewer(own.current(), first)).toBe(true)
  })

  test('renews when half of the life is over', () => {
    const { owner } = envs()
    const own = new DescriptorOwner({ surroundings: owner, onMinted: () => {} }, { ...fields, startSequence: 1 })
    owner.nowMs += DESCRIPTOR_LIFE_MS / 2 - 1
    expect(own.current().sequence).toBe(1)
    owner.nowMs++
    expect(own.current().sequence).toBe(2)
  })

  test('cuts a long name and a long list of addresses to what everybody reads', () => {
    const { owner } = envs()
    const addresses = Array.from({ length: 20 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
    const own = new DescriptorOwner(
      { surroundings: owner, onMinted: () => {} },
      { name: 'n'.repeat(200), addresses, attributes: {}, startSequence: 1 },
    )
    expect(readDescriptor(own.current(), 'd')).toMatchObject({ name: 'n'.repeat(64), addresses: addresses.slice(0, 8) })
  })

  test('stays as it was when what it shall say is out of bounds', () => {
    const { owner } = envs()
    const own = new DescriptorOwner({ surroundings: owner, onMinted: () => {} }, { ...fields, startSequence: 1 })
    expect(() => own.update({ attributes: { Cores: 'many' } })).toThrow(RoostError)
    own.renewAbove(1)
    expect(own.current().attributes).toEqual({ Cores: 4 })
  })
})
