import { beforeEach, expect, test } from 'vitest'
import { Governors, GOVERNORS_COUNT_MAX, type Governor } from '../../../aem/protocol/governors.ts'
import type { Mandate } from '../../../aem/protocol/index.ts'
import type { Crypto } from '../../../overlay/index.ts'

const HOME = '12D3KooWJ2sZ9LSRm3Hnkhome11111111111111111111111111'
const OTHER = '12D3KooWJ2sZ9LSRm3Hnkother1111111111111111111111111'
const THIRD = '12D3KooWJ2sZ9LSRm3Hnkthird1111111111111111111111111'

/** Signatures that are good where their first byte is 1. */
const crypto = { verify: (_signer, _context, _value, signature) => signature[0] === 1 } as Crypto
const mandate: Mandate = { home: HOME, holders: [HOME, OTHER, THIRD], signature: new Uint8Array(64).fill(1) }

let disk: Map<string, Governor>
const open = async (isNeeded: (home: string) => boolean = () => true): Promise<Governors> => {
  const store = {
    put: async (governor: Governor) => void disk.set(governor.home, governor),
    list: async () => [...disk.values()],
    remove: async (home: string) => void disk.delete(home),
  }
  const governors = new Governors(store, crypto, isNeeded)
  await governors.recover()
  return governors
}

beforeEach(() => {
  disk = new Map()
})

test('a home is obeyed until somebody takes over, the last of them counts, and that outlives a restart', async () => {
  const governors = await open()
  governors.demand(HOME, HOME)
  expect(() => governors.demand(HOME, OTHER)).toThrow(expect.objectContaining({ code: 'CONTROLLER_UNKNOWN' }))
  await governors.govern(OTHER, { home: HOME, epoch: 5, mandate })
  await governors.govern(THIRD, { home: HOME, epoch: 9, mandate })
  for (const epoch of [4, 5, 9])
    await expect(governors.govern(OTHER, { home: HOME, epoch, mandate })).rejects.toMatchObject({
      code: 'CONTROLLER_SUPERSEDED',
    })
  const after = await open()
  after.demand(HOME, THIRD)
  expect(() => after.demand(HOME, HOME)).toThrow('not by')
  // The home itself needs nobody's word but a higher epoch.
  await after.govern(HOME, { home: HOME, epoch: 10 })
  after.demand(HOME, HOME)
})

test('nobody takes over without the word of the home, for himself and for this home', async () => {
  const governors = await open()
  const bad: readonly (Mandate | undefined)[] = [
    undefined,
    { ...mandate, signature: new Uint8Array(64) },
    { ...mandate, holders: [THIRD] },
    { ...mandate, home: OTHER },
  ]
  for (const word of bad)
    await expect(governors.govern(OTHER, { home: HOME, epoch: 7, mandate: word })).rejects.toMatchObject({
      code: 'DENIED',
    })
  expect(disk.size).toBe(0)
})

test('of very many homes those without a unit here are forgotten', async () => {
  const governors = await open((home) => home === 'home 0')
  for (let number = 0; number <= GOVERNORS_COUNT_MAX; number++)
    await governors.govern(`home ${number}`, { home: `home ${number}`, epoch: 1 })
  expect(disk.size).toBe(GOVERNORS_COUNT_MAX)
  expect([disk.has('home 0'), disk.has('home 1')]).toEqual([true, false])
})
