import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commonPrefix,
  Contacts,
  Gone,
  GONE_COUNT_MAX,
  Grouping,
  keyOf,
  mintDescriptor,
  seededRng,
  type Descriptor,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const descriptors = peerIds(2_000).map((id) => descriptorOf(id))
const OPTIONS = { cellCountMax: 32, cellCountMin: 8, growRestCycles: 4 }

function descriptorOf(id: string, sequence = 1): Descriptor {
  return mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id))
}

function grouping(own = descriptors[0]!): Grouping {
  return new Grouping(own, keyOf, OPTIONS)
}

function fill(into: Grouping, some: readonly Descriptor[], cycle = 0): void {
  for (const descriptor of some) into.put(descriptor, keyOf(descriptor), cycle)
}

describe('a grouping', () => {
  test('law: its cell is all it was told of with its prefix, and no larger than allowed', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(descriptors), (some) => {
        const own = grouping()
        fill(own, some)
        const { depth, ownKey, cell } = own
        const inside = new Set([descriptors[0]!, ...some].filter((one) => commonPrefix(keyOf(one), ownKey) >= depth))
        expect(new Set(cell.descriptors())).toEqual(inside)
        expect(cell.count).toBeLessThanOrEqual(OPTIONS.cellCountMax)
        if (depth > 0) {
          const parent = some.filter((one) => commonPrefix(keyOf(one), ownKey) >= depth - 1)
          expect(new Set([descriptors[0]!, ...parent]).size).toBeGreaterThan(OPTIONS.cellCountMax)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('follows others who have split the cell by one step, where both halves will last; otherwise says that it is whole', () => {
    const bitOf = (one: Descriptor): number => commonPrefix(keyOf(one), keyOf(descriptors[0]!))
    const near = descriptors.filter((one) => bitOf(one) > 0)
    const far = descriptors.filter((one) => bitOf(one) === 0)
    const own = grouping()
    fill(own, [...near.slice(0, 20), ...far.slice(0, 5)])
    expect(own.follow(9, 1, true)).toBe(true)
    expect(own.depth).toBe(0)
    fill(own, far.slice(5, 10))
    expect(own.follow(9, 1, true)).toBe(false)
    expect(own.depth).toBe(1)
    expect(own.cell.count).toBeGreaterThanOrEqual(OPTIONS.cellCountMin)
    expect(own.follow(1, 1, true)).toBe(false)
    expect(own.depth).toBe(1)
  })

  test('where the other half is not known, follows others once there seem enough for two, and calls nothing whole', () => {
    const own = grouping()
    fill(own, descriptors.slice(0, 12))
    expect(own.follow(9, 1, false)).toBe(false)
    expect(own.depth).toBe(0)
    fill(own, descriptors.slice(12, 24))
    expect(own.follow(9, 1, false)).toBe(false)
    expect(own.depth).toBe(1)
  })

  test('comes back to a cell that others say is whole; where that proves too many it rests', () => {
    const own = grouping()
    fill(own, descriptors)
    const { depth } = own
    const [teller] = own.contacts.level(depth - 1)
    const others = own.cell.descriptors().filter((descriptor) => descriptor !== descriptors[0])
    for (const descriptor of others.slice(4)) own.remove(descriptor)
    expect(own.join(teller!.peer, 1)).toBe(true)
    expect(own.depth).toBe(depth - 1)
    expect(new Set(own.cell.descriptors())).toEqual(new Set([descriptors[0], ...others.slice(0, 4), teller]))
    fill(own, descriptors, 2)
    expect(own.depth).toBe(depth)
    expect(own.join(teller!.peer, 2 * OPTIONS.growRestCycles)).toBe(false)
    expect(own.join(teller!.peer, 2 + 2 * OPTIONS.growRestCycles)).toBe(true)
  })

  test('knows two of each part of the grid that is not its cell, and leads nearer to any key', () => {
    const own = grouping()
    fill(own, descriptors)
    const rng = seededRng(1)
    for (const descriptor of descriptors) {
      const key = keyOf(descriptor)
      const [nearer] = own.nearer(key, 1, rng)
      const shared = commonPrefix(key, own.ownKey)
      if (shared < own.depth)
        expect(commonPrefix(keyOf(nearer!), key)).toBeGreaterThanOrEqual(Math.min(shared + 4, own.depth))
      else expect(own.encloses(keyOf(nearer!))).toBe(true)
    }
    expect(own.contacts.count).toBeLessThanOrEqual(own.depth * 16)
    expect(own.contacts.count).toBeGreaterThan(own.depth * 8)
  })

  test('judges how many nodes there are by its own cell', () => {
    const own = grouping()
    fill(own, descriptors)
    expect(own.estimatedCount()).toBeGreaterThan(1_000)
    expect(own.estimatedCount()).toBeLessThan(4_000)
  })

  test('takes its sibling in when few are left, and does not sway where that proves too many', () => {
    const own = grouping()
    fill(own, descriptors)
    const { depth } = own
    const leave = (count: number): void => {
      const others = own.cell.descriptors().filter((descriptor) => descriptor !== descriptors[0])
      for (const descriptor of others.slice(count - 1)) own.remove(descriptor)
    }
    leave(6)
    expect(own.grow(1)).toBe(true)
    expect(own.depth).toBe(depth - 1)
    leave(6)
    expect(own.grow(2)).toBe(false)
    fill(own, descriptors, 2)
    expect(own.depth).toBe(depth)
    leave(6)
    expect(own.grow(5)).toBe(false)
    expect(own.grow(10)).toBe(true)
  })

  test('who is alone in a cell takes in one sibling after the other until it is not', () => {
    const own = grouping()
    own.deepen(32, 1)
    for (let grown = 1; grown <= 32; grown++) expect(own.grow(2 * grown)).toBe(true)
    expect(own.depth).toBe(0)
  })

  test('takes on the depth that others have, and keeps as contacts those who are outside of it then', () => {
    const own = grouping()
    fill(own, descriptors.slice(0, 30))
    expect(own.depth).toBe(0)
    own.deepen(3, 1)
    expect(own.depth).toBe(3)
    for (const descriptor of own.cell.descriptors())
      expect(commonPrefix(keyOf(descriptor), own.ownKey)).toBeGreaterThanOrEqual(3)
    expect(own.cell.count + own.contacts.count).toBeLessThanOrEqual(30)
    expect(own.contacts.count).toBeGreaterThan(10)
  })

  test('nodes that are all alike are divided by their ids, as far as a key goes', () => {
    const alike = new Grouping(descriptors[0]!, () => 7, OPTIONS)
    for (const descriptor of descriptors.slice(0, 100)) alike.put(descriptor, 7, 0)
    expect(alike.depth).toBe(32)
    expect(alike.cell.count).toBe(100)
  })
})

describe('contacts', () => {
  test('of three for a slot the two heard of last stay', () => {
    const contacts = new Contacts()
    const [one, two, three] = descriptors as [Descriptor, Descriptor, Descriptor]
    contacts.put(2, 5, one, 10)
    contacts.put(2, 5, two, 12)
    contacts.put(2, 5, three, 11)
    expect(contacts.slot(2, 5)).toEqual([two, three])
    contacts.put(2, 5, one, 5)
    expect(contacts.slot(2, 5)).toEqual([two, three])
    contacts.put(2, 5, three, 20)
    expect(contacts.slot(2, 5)).toEqual([three, two])
    expect(contacts.count).toBe(2)
  })

  test('pass on only what was heard of lately, with when that was', () => {
    const contacts = new Contacts()
    for (const [index, descriptor] of descriptors.slice(0, 64).entries())
      contacts.put(index >> 4, (index >> 1) & 7, descriptor, index)
    const { descriptors: fresh, heardAt } = contacts.pickFresh(8, 40, seededRng(2))
    expect(fresh.length).toBe(8)
    for (const [index, descriptor] of fresh.entries()) {
      expect(heardAt[index]).toBeGreaterThanOrEqual(40)
      expect(descriptors.indexOf(descriptor)).toBe(heardAt[index])
    }
  })
})

describe('who is gone', () => {
  test('is not taken back by an older word, but by a newer one', () => {
    const gone = new Gone()
    const [id] = peerIds(1) as [string]
    expect(gone.add({ peer: id, sequence: 5 })).toBe(true)
    expect(gone.add({ peer: id, sequence: 4 })).toBe(false)
    expect([4, 5, 6].map((sequence) => gone.has(descriptorOf(id, sequence)))).toEqual([true, true, false])
  })

  test('is forgotten after so many others', () => {
    const gone = new Gone()
    const some = descriptors.slice(0, GONE_COUNT_MAX + 1)
    for (const { peer, sequence } of some) gone.add({ peer, sequence })
    expect(some.map((descriptor) => gone.has(descriptor))).toEqual(some.map((_, index) => index > 0))
    expect(gone.claimsByHash().size).toBe(GONE_COUNT_MAX)
  })
})
