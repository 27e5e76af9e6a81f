import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonPrefix, keyOf, seededRng } from '../../../overlay/index.ts'
import { Lowest, Nearest } from '../../../overlay/guests/picks.ts'
import { descriptorOf } from './support.ts'
import { peerIds } from '../descriptor/hand-env.ts'

const descriptors = peerIds(200).map((peer) => descriptorOf(peer))
const nobody = (): boolean => false

describe('the lowest', () => {
  test('law: are those that a sort would put first', () => {
    const ranks = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(ranks, fc.integer({ min: 1, max: 30 }), (offered, count) => {
        const lowest = new Lowest(count)
        for (const [index, rank] of offered.entries()) lowest.add(rank, descriptors[index]!)
        const sorted = [...offered.entries()].sort(([, one], [, other]) => one - other).slice(0, count)
        expect(lowest.descriptors).toEqual(sorted.map(([index]) => descriptors[index]))
      }),
    )
  })
})

describe('the nearest', () => {
  test('share most with the key, up to the bits of a cell', () => {
    const nearest = new Nearest({ key: 0, depth: 3, count: 8 }, seededRng(1))
    for (const descriptor of descriptors) nearest.offer(descriptor, keyOf(descriptor), nobody)
    expect(nearest.descriptors.length).toBe(8)
    for (const descriptor of nearest.descriptors) expect(commonPrefix(keyOf(descriptor), 0)).toBeGreaterThanOrEqual(3)
  })

  test('are each as likely as the others of the cell, however much more of the key they share', () => {
    const chosen = new Map<string, number>()
    const rng = seededRng(1)
    for (let round = 0; round < 2_000; round++) {
      const nearest = new Nearest({ key: 0, depth: 2, count: 1 }, rng)
      for (const descriptor of descriptors) nearest.offer(descriptor, keyOf(descriptor), nobody)
      const { peer } = nearest.descriptors[0]!
      chosen.set(peer, (chosen.get(peer) ?? 0) + 1)
    }
    const inCell = descriptors.filter((descriptor) => commonPrefix(keyOf(descriptor), 0) >= 2)
    expect(chosen.size).toBe(inCell.length)
    expect(Math.max(...chosen.values())).toBeLessThan((2 * 2_000) / inCell.length)
  })

  test('are none of those who are out', () => {
    const nearest = new Nearest({ key: 0, depth: 0, count: 300 }, seededRng(1))
    const { peer: out } = descriptors[7]!
    for (const descriptor of descriptors) nearest.offer(descriptor, keyOf(descriptor), (peer) => peer === out)
    expect(nearest.descriptors.length).toBe(199)
  })
})
