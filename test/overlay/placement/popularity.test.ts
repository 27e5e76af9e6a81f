import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Popularity, readPopularity } from '../../../overlay/placement/index.ts'
import { ASKED_NAMES_MAX, ASKED_SET_COUNT_MAX, ASKED_WEIGHT_MAX } from '../../../overlay/placement/popularity.ts'

const sets = fc.array(fc.constantFrom('a', 'b', 'c', 'd.e', 'f'), { minLength: 1, maxLength: 5 })

describe('popularity', () => {
  test('counts sets of names, whatever their order', () => {
    const popularity = new Popularity()
    for (const names of [['b', 'a'], ['a', 'b'], ['c'], []]) popularity.add(names)
    expect(popularity.summary()).toEqual([
      { names: ['a', 'b'], weight: 2 },
      { names: ['c'], weight: 1 },
    ])
  })

  test('law: a summary is within bounds, and is read as it was sent', () => {
    fc.assert(
      fc.property(fc.array(sets, { maxLength: 120 }), fc.array(sets, { maxLength: 120 }), (ours, theirs) => {
        const [one, other] = [new Popularity(), new Popularity()]
        for (const names of ours) one.add(names)
        for (const names of theirs) other.add(names)
        one.merge(other.summary())
        expect(one.weight).toBeLessThanOrEqual(ASKED_WEIGHT_MAX * 1.000001)
        expect(readPopularity(structuredClone(one.summary()), 'popularity')).toEqual(one.summary())
      }),
      { numRuns: 200 },
    )
  })

  test('what is asked now outweighs what was asked long ago', () => {
    const popularity = new Popularity()
    for (let count = 0; count < 500; count++) popularity.add(['old'])
    for (let count = 0; count < 100; count++) popularity.add(['new'])
    expect(popularity.summary()[0]!.names).toEqual(['new'])
  })

  test('of more sets than the bound the lightest goes', () => {
    const popularity = new Popularity()
    for (let count = 0; count < 5; count++) popularity.add(['kept'])
    for (let index = 0; index < 3 * ASKED_SET_COUNT_MAX; index++) popularity.add([`rare${index}`])
    expect(popularity.summary()).toHaveLength(ASKED_SET_COUNT_MAX)
    expect(popularity.summary()[0]!.names).toEqual(['kept'])
  })

  test('what one node was asked becomes known to all, and weighs no more for it', () => {
    const nodes = Array.from({ length: 8 }, () => new Popularity())
    for (let count = 0; count < 30; count++) nodes[3]!.add(['gpus'])
    for (let round = 0; round < 40; round++) meet(nodes, round)
    for (const node of nodes) expect(node.summary()).toEqual([{ names: ['gpus'], weight: expect.closeTo(30, 6) }])
  })

  test('single queries here and there add up', () => {
    const nodes = Array.from({ length: 8 }, () => new Popularity())
    for (let round = 0; round < 40; round++) {
      if (round % 4 === 0) nodes[round % 8]!.add(round % 8 === 0 ? ['cores'] : ['gpus'])
      meet(nodes, round)
    }
    for (const node of nodes) {
      expect(node.weight).toBeGreaterThan(7)
      expect(node.weight).toBeLessThanOrEqual(10.001)
    }
  })

  test('a peer that says it was asked more than anyone could be is not believed', () => {
    const weight = ASKED_WEIGHT_MAX
    const lies = Array.from({ length: ASKED_SET_COUNT_MAX }, (_, index) => ({ names: [`lie${index}`], weight }))
    const popularity = new Popularity()
    for (let count = 0; count < 64; count++) popularity.add(['cores'])
    popularity.merge(readPopularity(lies, 'popularity'))
    expect(popularity.summary()[0]).toEqual({ names: ['cores'], weight: 32 })
  })

  test.each([
    [[{ names: ['a'], weight: -1 }]],
    [[{ names: ['a'], weight: ASKED_WEIGHT_MAX + 1 }]],
    [[{ names: ['a'], weight: NaN }]],
    [[{ names: Array.from({ length: ASKED_NAMES_MAX + 1 }, (_, index) => `a${index}`), weight: 1 }]],
    [Array.from({ length: ASKED_SET_COUNT_MAX + 1 }, () => ({ names: ['a'], weight: 1 }))],
    ['cores'],
  ])('refuses %j', (summary) => {
    expect(() => readPopularity(summary, 'popularity')).toThrow()
  })
})

/** Each takes in what another knows. */
function meet(nodes: readonly Popularity[], round: number): void {
  for (const [index, node] of nodes.entries()) node.merge(nodes[(index + 1 + (round % 7)) % nodes.length]!.summary())
}
