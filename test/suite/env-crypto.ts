import { expect, test } from 'vitest'
import type { Plain } from '../../overlay/env/index.ts'
import { addProbe } from './env-probe.ts'
import type { EnvWorld } from './env.ts'

const VALUE: Plain = {
  name: 'node',
  cores: 8,
  load: 0.25,
  tags: ['a', 'b'],
  key: new Uint8Array([1, 2, 3]),
  note: null,
}

/** What a protocol may rely on about hashes and signatures. */
export function cryptoPromises(world: () => EnvWorld): void {
  test("a signature is 64 bytes, and holds at another node under its signer's name", async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    const signature = ada.probe.env.crypto.sign('test', VALUE)
    expect(signature).toBeInstanceOf(Uint8Array)
    expect(signature.length).toBe(64)
    expect(ada.probe.env.crypto.verify(ada.id, 'test', VALUE, signature)).toBe(true)
    expect(bob.probe.env.crypto.verify(ada.id, 'test', VALUE, signature)).toBe(true)
  })

  test('a signature does not hold under another name, in another context or over another value', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    const { crypto } = bob.probe.env
    const signature = ada.probe.env.crypto.sign('test', VALUE)
    expect(crypto.verify(bob.id, 'test', VALUE, signature)).toBe(false)
    expect(crypto.verify(world().stranger(), 'test', VALUE, signature)).toBe(false)
    expect(crypto.verify(ada.id, 'tests', VALUE, signature)).toBe(false)
    expect(crypto.verify(ada.id, '', VALUE, signature)).toBe(false)
    for (const other of OTHER_VALUES) expect(crypto.verify(ada.id, 'test', other, signature)).toBe(false)
  })

  test('a signature with any byte changed, cut, lengthened or made up does not hold, and nothing is thrown', async () => {
    const ada = await addProbe(world())
    const { crypto } = ada.probe.env
    const signature = crypto.sign('test', VALUE)
    for (let index = 0; index < signature.length; index++) {
      const tampered = signature.slice()
      tampered[index]! ^= 0x40
      expect(crypto.verify(ada.id, 'test', VALUE, tampered)).toBe(false)
    }
    for (const length of [0, 1, 63, 65, 1_000])
      expect(crypto.verify(ada.id, 'test', VALUE, new Uint8Array(length))).toBe(false)
    expect(crypto.verify(ada.id, 'test', VALUE, signature.subarray(0, 63))).toBe(false)
    for (const nobody of ['', 'nobody', '1'.repeat(52), '\u0000'])
      expect(crypto.verify(nobody, 'test', VALUE, signature)).toBe(false)
  })

  test('the order of fields and the identity of objects do not matter to hash and signature', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    const turned: Plain = {
      note: null,
      key: Uint8Array.of(1, 2, 3),
      tags: ['a', 'b'],
      load: 0.25,
      cores: 8,
      name: 'node',
    }
    expect(bob.probe.env.crypto.hash(turned)).toEqual(ada.probe.env.crypto.hash(VALUE))
    expect(bob.probe.env.crypto.verify(ada.id, 'test', turned, ada.probe.env.crypto.sign('test', VALUE))).toBe(true)
  })

  test('a hash is 32 bytes, the same at every node, and another for another value', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    const hash = ada.probe.env.crypto.hash(VALUE)
    expect(hash).toBeInstanceOf(Uint8Array)
    expect(hash.length).toBe(32)
    expect(bob.probe.env.crypto.hash(VALUE)).toEqual(hash)
    const hashes = [VALUE, ...OTHER_VALUES].map((value) => ada.probe.env.crypto.hash(value).join())
    expect(new Set(hashes).size).toBe(hashes.length)
  })
}

/** Near misses: one kind for another, one field more, less or swapped, a list cut elsewhere. */
const OTHER_VALUES: readonly Plain[] = [
  null,
  0,
  1,
  0.5,
  -1,
  2 ** 40,
  '',
  '1',
  true,
  false,
  [],
  [[]],
  ['ab'],
  ['a', 'b'],
  [['a'], 'b'],
  {},
  { a: 1, b: 2 },
  { a: 2, b: 1 },
  { a: { b: 1 } },
  new Uint8Array(0),
  new Uint8Array([97, 98]),
  'ab',
  'ab\u0000',
  'aé',
  { ...VALUE, cores: 9 },
  { ...VALUE, extra: false },
  { ...VALUE, tags: ['b', 'a'] },
  { ...VALUE, key: new Uint8Array([1, 2, 4]) },
]
