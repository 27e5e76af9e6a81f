import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  listed,
  planStarts,
  type NodeState,
  type Occupied,
  type Plan,
  type UnitRequest,
} from '../../../../aem/protocol/scheduling/index.ts'
import { arrivals, play, stateOf } from './one-node.ts'

const planOf = (order: readonly UnitRequest[], node: NodeState): Plan => planStarts(listed(order), node)
const unit = (unitId: string, cores: number, rest: Partial<UnitRequest> = {}): UnitRequest => ({
  unitId,
  owner: 'o',
  cores,
  memoryBytes: 0,
  priority: 0,
  queuedAtMs: 0,
  ...rest,
})
const runs = (unitId: string, cores: number, endsByMs?: number, memoryBytes = 0): Occupied => ({
  unitId,
  cores,
  memoryBytes,
  startedAtMs: 0,
  ...(endsByMs === undefined ? {} : { endsByMs }),
})
const names = (requests: readonly UnitRequest[]): string => requests.map(({ unitId }) => unitId).join('')

describe('on a node of 8 cores and 100 bytes', () => {
  test('units start in order as long as they fit', () => {
    const plan = planOf([unit('a', 3), unit('b', 5), unit('c', 1)], stateOf(0, []))
    expect(names(plan.starts)).toBe('ab')
    expect(plan.reserved).toMatchObject({ unitId: 'c', fromMs: 60_000, isGuess: true })
  })

  test('who ends before the head starts is let past it, who does not is not', () => {
    const node = stateOf(10, [runs('r', 6, 100)])
    const order = [unit('head', 8), unit('long', 1, { limitMs: 91 }), unit('short', 1, { limitMs: 90 })]
    const plan = planOf(order, node)
    expect(names(plan.starts)).toBe('short')
    expect(plan.reserved).toEqual({
      unitId: 'head',
      fromMs: 100,
      isGuess: false,
      spare: { cores: 0, memoryBytes: 100 },
    })
  })

  test('who takes only what the head leaves may stay as long as it likes, until that is gone', () => {
    const node = stateOf(0, [runs('r', 6, 100)])
    const plan = planOf([unit('head', 7), unit('a', 1), unit('b', 1), unit('c', 1, { limitMs: 100 })], node)
    expect(names(plan.starts)).toBe('ac')
  })

  test('memory counts as cores do', () => {
    const node = stateOf(0, [runs('r', 1, 100, 60)])
    const head = unit('head', 1, { memoryBytes: 80 })
    const plan = planOf([head, unit('a', 1, { memoryBytes: 21 }), unit('b', 1, { memoryBytes: 20 })], node)
    expect(names(plan.starts)).toBe('b')
    expect(plan.reserved!.spare).toEqual({ cores: 6, memoryBytes: 0 })
  })

  test('ends at one moment count together', () => {
    const node = stateOf(0, [runs('r', 4, 100), runs('s', 4, 100)])
    expect(planOf([unit('head', 4)], node).reserved!.spare.cores).toBe(4)
  })

  test('behind a unit without limit the head waits as long again as that has run, and says that it guesses', () => {
    const node = stateOf(3_600_000, [runs('r', 8)])
    expect(planOf([unit('head', 1)], node).reserved).toMatchObject({ fromMs: 7_200_000, isGuess: true })
  })

  test('a unit beyond its limit is expected to end now', () => {
    const node = stateOf(500, [runs('r', 7, 100)])
    const plan = planOf([unit('head', 8), unit('a', 1, { limitMs: 1 })], node)
    expect(plan).toMatchObject({ starts: [], reserved: { fromMs: 500 } })
  })

  test('one that nothing that ends would make room for does not keep others out', () => {
    const node = { ...stateOf(0, [runs('r', 4, 100)]), free: { cores: 1, memoryBytes: 100 } }
    const plan = planOf([unit('wide', 8), unit('a', 1)], node)
    expect(names(plan.starts)).toBe('a')
    expect(plan.reserved).toBeUndefined()
  })

  test('room of a gang that waits for other nodes is lent to who gives it back in time', () => {
    const gang = unit('g', 8, { notBeforeMs: 50, gang: { jobId: 'g', sinceMs: 0 } })
    const order = [gang, unit('a', 2, { limitMs: 51 }), unit('b', 2, { limitMs: 50 })]
    expect(planOf(order, stateOf(0, []))).toMatchObject({ starts: [{ unitId: 'b' }], reserved: { fromMs: 50 } })
    expect(names(planOf(order, stateOf(50, [])).starts)).toBe('g')
  })
})

describe('whatever arrives', () => {
  test('no more is promised than there is, and everything runs once', () => {
    fc.assert(
      fc.property(arrivals({ isLimited: false, owners: 3 }), (list) => {
        const ran = play(list)
        expect(new Set(ran.map(({ request }) => request.unitId)).size).toBe(list.length)
      }),
    )
  })

  test('a head starts by its first reservation, however much comes after it, as long as limits are kept', () => {
    fc.assert(
      fc.property(arrivals({ isLimited: true }), (list) => {
        for (const { startMs, reserved } of play(list)) {
          for (const { fromMs, isGuess } of reserved) {
            expect(isGuess).toBe(false)
            expect(startMs).toBeLessThanOrEqual(fromMs)
          }
          for (const [index, { fromMs }] of reserved.entries())
            if (index > 0) expect(fromMs).toBeLessThanOrEqual(reserved[index - 1]!.fromMs)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('two plans of one state are the same', () => {
    fc.assert(
      fc.property(arrivals({ isLimited: false, owners: 3 }), (list) => {
        expect(play(list)).toEqual(play(list))
      }),
      { numRuns: 30 },
    )
  })
})
