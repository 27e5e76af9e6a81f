import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BORDER_COUNT_MAX, RankTable } from '../../../overlay/placement/borders.ts'
import { commonPrefix, groupingKeys, prefixMatches } from '../../../overlay/placement/index.ts'
import { bordersOf } from '../../../overlay/placement/statistics.ts'
import { compareOrdered } from '../../../overlay/placement/ordered.ts'
import { layoutOf, mixedPopulation, nodeWith } from './nodes.ts'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe('ranks', () => {
  test('law: the order of values is the order of their ranks, and no two of a heavy value overlap another', () => {
    const values = fc.array(fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 9 }), fc.string({ maxLength: 2 })), {
      minLength: 1,
      maxLength: 300,
    })
    fc.assert(
      fc.property(values, (drawn) => {
        const ascending = drawn.toSorted(compareOrdered)
        const borders = bordersOf(ascending)
        const table = new RankTable(borders)
        expect(borders.counts.reduce((sum, count) => sum + count, 0)).toBe(BORDER_COUNT_MAX)
        for (let index = 1; index < ascending.length; index++) {
          const [one, other] = [table.rangeOf(ascending[index - 1]!), table.rangeOf(ascending[index]!)]
          expect(one.first).toBeLessThanOrEqual(one.last)
          if (compareOrdered(ascending[index - 1]!, ascending[index]!) === 0) expect(other).toEqual(one)
          else expect(other.first).toBeGreaterThanOrEqual(one.last)
        }
      }),
    )
  })

  test('a value that half of the nodes have is spread over about half of the ranks', () => {
    const ascending = [...Array.from({ length: 100 }, () => 4), ...Array.from({ length: 100 }, (_, index) => 8 + index)]
    const { first, last } = new RankTable(bordersOf(ascending)).rangeOf(4)
    expect(last - first + 1).toBe(31)
  })
})

describe('keys', () => {
  const nodes = mixedPopulation(4_000)
  const layout = layoutOf(nodes)

  test('prefixes are counted from the high end', () => {
    expect(commonPrefix(0, 0)).toBe(32)
    expect(commonPrefix(0, -(2 ** 31))).toBe(0)
    expect(commonPrefix(0x12345678, 0x12345679)).toBe(31)
    fc.assert(
      fc.property(int32, int32, fc.integer({ min: 0, max: 32 }), (key, prefix, depth) => {
        const shift = 32 - depth
        const isEqual = depth === 0 || key >>> shift === prefix >>> shift
        expect(prefixMatches(key, prefix, depth)).toBe(isEqual)
      }),
    )
  })

  test('one for each grouping, the same for a copy of the descriptor', () => {
    for (const node of nodes.slice(0, 50)) {
      const keys = groupingKeys(layout, node)
      expect(keys).toHaveLength(layout.groupings.length)
      expect(keys.every((key) => key === (key | 0))).toBe(true)
      expect(groupingKeys(layout, { ...node })).toEqual(keys)
    }
  })

  test('cells of one depth are of much the same size, heavy values or not', () => {
    for (const [grouping] of layout.groupings.entries()) {
      const counts = new Map<number, number>()
      for (const node of nodes) {
        const cell = groupingKeys(layout, node)[grouping]! >>> 29
        counts.set(cell, (counts.get(cell) ?? 0) + 1)
      }
      expect(counts.size).toBe(8)
      expect(Math.max(...counts.values())).toBeLessThan(2.2 * (nodes.length / 8))
    }
  })

  test('nodes that are alike in everything are told apart by their ids', () => {
    const alike = Array.from({ length: 400 }, () => nodeWith({ Cores: 8, Memory: 2 ** 33 }))
    const keys = alike.map((node) => groupingKeys(layout, node)[0]!)
    expect(new Set(keys).size).toBeGreaterThan(350)
  })

  test('what only the spelling of a name or a text differs in stands in the same place', () => {
    const one = nodeWith({ cores: 8, OS: 'LINUX' })
    const other = nodeWith({ Cores: 8, Os: 'linux' }, one.peer)
    expect(groupingKeys(layout, one)).toEqual(groupingKeys(layout, other))
  })
})
