import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RoostError } from '../../../overlay/index.ts'
import {
  checkLayout,
  GROUPING_COUNT_MAX,
  LayoutChecker,
  layoutId,
  readLayout,
  supersedes,
  type Layout,
} from '../../../overlay/placement/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'
import { env, layoutOf, mixedPopulation } from './nodes.ts'

const layout = layoutOf(mixedPopulation(300))
const [borders] = Object.values(layout.borders)

describe('a layout in a message', () => {
  test('is read as it was sent, and its signature holds', () => {
    const read = readLayout(structuredClone(layout), 'layout')
    expect(read).toEqual(layout)
    expect(checkLayout(read, env)).toBe(true)
  })

  test.each<[string, Partial<Record<keyof Layout, unknown>>]>([
    ['no epoch', { epoch: 0 }],
    ['a grouping of names without borders', { groupings: [['nobody']] }],
    ['a grouping with a name twice', { groupings: [['cores', 'cores']] }],
    ['an empty grouping', { groupings: [[]] }],
    ['too many groupings', { groupings: Array.from({ length: GROUPING_COUNT_MAX + 1 }, () => ['cores']) }],
    ['descending borders', { borders: { ...layout.borders, cores: { values: [2, 1], counts: [1, 1] } } }],
    ['a border twice', { borders: { ...layout.borders, cores: { values: [1, 1], counts: [1, 1] } } }],
    ['counts that do not fit', { borders: { ...layout.borders, cores: { values: [1, 2], counts: [1] } } }],
    ['too many borders', { borders: { ...layout.borders, cores: { values: [1, 2], counts: [32, 32] } } }],
    ['a border that is no value', { borders: { ...layout.borders, cores: { values: [{}], counts: [1] } } }],
    ['a border that is no number', { borders: { ...layout.borders, cores: { values: [NaN], counts: [1] } } }],
    ['too much text', { borders: { ...layout.borders, ...longBorders() } }],
  ])('is refused with %s', (_, change) => {
    expect(() => readLayout({ ...layout, ...change }, 'layout')).toThrow(RoostError)
  })

  test('law: anything at all is read or refused', () => {
    const odd = fc.record(
      { borders: fc.anything(), groupings: fc.anything(), unsure: fc.anything(), epoch: fc.anything() },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          odd.map((change) => ({ ...layout, ...change })),
        ),
        (value) => {
          try {
            readLayout(value, 'layout')
          } catch (error) {
            expect((error as RoostError).code).toBe('MESSAGE_MALFORMED')
          }
        },
      ),
    )
  })

  test('is forged where anything in it was changed', () => {
    expect(checkLayout({ ...layout, epoch: layout.epoch + 1 }, env)).toBe(false)
    expect(checkLayout({ ...layout, groupings: layout.groupings.slice(1) }, env)).toBe(false)
    expect(checkLayout({ ...layout, borders: { ...layout.borders, cores: borders! } }, env)).toBe(false)
  })
})

describe('layouts', () => {
  const other = layoutOf(mixedPopulation(300, 2))

  test('of each epoch one stands before the others, whoever compares', () => {
    expect(supersedes(layout, other)).toBe(!supersedes(other, layout))
    expect(supersedes(layout, layout)).toBe(false)
    expect(supersedes({ ...layout, epoch: 2 }, other)).toBe(true)
    expect(layoutId(structuredClone(layout))).toBe(layoutId(layout))
    expect(layoutId(other)).not.toBe(layoutId(layout))
  })

  test('equal copies become one instance, which is verified once', () => {
    const checker = new LayoutChecker()
    const counting = new HandEnv(peerIds(1)[0]!)
    let count = 0
    const crypto = { ...counting.crypto, hash: () => new Uint8Array(), sign: () => new Uint8Array() }
    const surroundings = { ...counting, crypto: { ...crypto, verify: () => ++count > 0 } }
    expect(checker.check(layout, surroundings)).toBe(layout)
    expect(checker.check(structuredClone(layout), surroundings)).toBe(layout)
    expect(count).toBe(1)
    expect(checker.check({ ...other, epoch: 7 }, env)).toBeUndefined()
  })
})

function longBorders(): Layout['borders'] {
  const values = Array.from({ length: 63 }, (_, index) => String(index).padStart(200, '0'))
  const counts = values.map(() => 1)
  return { cores: { values, counts }, os: { values, counts }, site: { values, counts } }
}
