import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listed, planStarts, UnitQueue, type UnitRequest } from '../../../../aem/protocol/scheduling/index.ts'
import { arrivals, CAPACITY, stateOf } from './one-node.ts'

const node = { capacity: CAPACITY, factorOf: () => 1 }
const unit = (unitId: string, owner = 'o', rest: Partial<UnitRequest> = {}): UnitRequest => ({
  unitId,
  owner,
  cores: 1,
  memoryBytes: 0,
  priority: 0,
  queuedAtMs: 0,
  ...rest,
})
const orderOf = (queue: UnitQueue): string =>
  queue
    .order(0)
    .map(({ unitId }) => unitId)
    .join('')

describe('a queue', () => {
  test('takes a unit once, and gives it back once', () => {
    const queue = new UnitQueue(node)
    expect(queue.add(unit('a'))).toEqual({ isAccepted: true })
    expect(queue.add(unit('a', 'p', { priority: 9 }))).toEqual({ isAccepted: true })
    expect(queue.get('a')!.owner).toBe('o')
    expect(queue.remove('a')!.unitId).toBe('a')
    expect(queue.remove('a')).toBeUndefined()
    expect(queue.count).toBe(0)
  })

  test('refuses what the node will never have', () => {
    const queue = new UnitQueue(node)
    expect(queue.add(unit('a', 'o', { cores: 9 }))).toMatchObject({
      isAccepted: false,
      reason: expect.stringContaining('9 cores'),
    })
    expect(queue.add(unit('b', 'o', { memoryBytes: 101 }))).toMatchObject({ isAccepted: false })
  })

  test('a plan leaves it as it is', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a'))
    expect(queue.plan(stateOf(0, [])).starts).toHaveLength(1)
    expect(queue.count).toBe(1)
  })
})

describe('a plan', () => {
  const requests = fc.array(
    fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      cores: fc.integer({ min: 1, max: CAPACITY.cores }),
      memoryBytes: fc.nat(CAPACITY.memoryBytes),
      limitMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
      priority: fc.nat(1),
      queuedAtMs: fc.nat(50),
      sinceMs: fc.option(fc.nat(3), { nil: undefined }),
      notBeforeMs: fc.option(fc.integer({ min: 90, max: 120 }), { nil: undefined, freq: 10 }),
    }),
    { maxLength: 40 },
  )
  const running = fc.array(fc.record({ cores: fc.nat(3), memoryBytes: fc.nat(30), leftMs: fc.nat(80) }), {
    maxLength: 3,
  })

  test('is the one that goes through all that wait in their order', () => {
    let backfilledCount = 0
    fc.assert(
      fc.property(requests, running, (list, busy) => {
        const queue = new UnitQueue({ capacity: CAPACITY, factorOf: (owner) => (owner === 'a' ? 0.5 : 0.9) })
        for (const [index, { sinceMs, limitMs, notBeforeMs, ...rest }] of list.entries())
          queue.add({
            ...rest,
            unitId: `u${index}`,
            ...(limitMs === undefined ? {} : { limitMs }),
            ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
            ...(sinceMs === undefined ? {} : { gang: { jobId: `j${index % 5}`, sinceMs } }),
          })
        const units = busy.map(({ leftMs, ...room }, index) => ({
          ...room,
          unitId: `r${index}`,
          startedAtMs: 0,
          ...(leftMs === 0 ? {} : { endsByMs: 100 + leftMs }),
        }))
        const state = stateOf(100, units)
        const order = queue.order(100)
        const plan = queue.plan(state)
        expect(plan).toEqual(planStarts(listed(order), state))
        if (plan.reserved && plan.starts.some((each) => order.indexOf(each) > headOf(order, plan.reserved!.unitId)))
          backfilledCount++
      }),
      { numRuns: 500 },
    )
    expect(backfilledCount).toBeGreaterThan(0)
  })

  const headOf = (order: readonly UnitRequest[], unitId: string): number =>
    order.findIndex((each) => each.unitId === unitId)
})

describe('a held unit', () => {
  test('does not start until its owner releases it', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a'))
    expect(queue.hold('a', 'other', 0)).toBe('it belongs to somebody else')
    expect(queue.hold('b', 'o', 0)).toBe('it does not wait here')
    expect(queue.hold('a', 'o', 0)).toBeUndefined()
    expect(queue.isHeld('a')).toBe(true)
    expect(queue.plan(stateOf(0, [])).starts).toEqual([])
    expect(queue.release('a', 'other', 0)).toBe('it belongs to somebody else')
    expect(queue.release('a', 'o', 5)).toBeUndefined()
    expect(queue.isHeld('a')).toBe(false)
    expect(queue.plan(stateOf(5, [])).starts).toHaveLength(1)
  })

  test('has not waited meanwhile', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a'))
    queue.add(unit('b', 'o', { queuedAtMs: 10 }))
    queue.hold('a', 'o', 5)
    queue.hold('a', 'o', 30)
    queue.release('a', 'o', 40)
    queue.release('a', 'o', 50)
    expect(queue.get('a')!.queuedAtMs).toBe(35)
    expect(orderOf(queue)).toBe('ba')
  })
})

describe('a full queue', () => {
  test('gives the last place of who has most to who has less, and refuses who has as many', () => {
    const queue = new UnitQueue(node, { countMax: 4 })
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) queue.add(unit(id, 'greedy', { queuedAtMs: index }))
    expect(queue.add(unit('e', 'greedy', { priority: 9 }))).toMatchObject({
      isAccepted: false,
      reason: 'the queue is full: 4 units wait, 4 of them yours',
    })
    expect(queue.add(unit('x', 'late'))).toMatchObject({ isAccepted: true, displaced: { unitId: 'd' } })
    expect(queue.add(unit('y', 'late'))).toMatchObject({ isAccepted: true, displaced: { unitId: 'c' } })
    expect(queue.add(unit('z', 'late')).isAccepted).toBe(false)
    expect(queue.count).toBe(4)
  })

  test('is shared evenly by those who want it, and never holds more than it may', () => {
    const countMax = 12
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 60, maxLength: 120 }), (wants) => {
        const queue = new UnitQueue(node, { countMax })
        const counts = [0, 0, 0, 0]
        for (const [index, owner] of wants.entries()) {
          const added = queue.add(unit(`u${index}`, String(owner)))
          if (added.isAccepted) counts[owner]!++
          else expect(counts[owner]! + 1).toBeGreaterThanOrEqual(Math.max(...counts))
          if (added.isAccepted && added.displaced) counts[Number(added.displaced.owner)]!--
          expect(queue.count).toBe(counts.reduce((sum, count) => sum + count, 0))
          expect(queue.count).toBeLessThanOrEqual(countMax)
        }
      }),
    )
  })
})

describe('an estimate', () => {
  test('is now for those that start, later for the others, in order', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a', 'o', { cores: 6, limitMs: 100 }))
    queue.add(unit('b', 'o', { cores: 8, limitMs: 50, queuedAtMs: 1 }))
    queue.add(unit('c', 'o', { cores: 4, queuedAtMs: 2 }))
    queue.add(unit('d', 'o', { cores: 2, limitMs: 90, queuedAtMs: 3 }))
    queue.add(unit('e', 'o', { cores: 5, limitMs: 10, queuedAtMs: 4 }))
    expect(queue.estimate(stateOf(10, []))).toEqual([
      { unitId: 'a', startMs: 10, roomAtMs: 10, isGuess: false, aheadCount: 0 },
      { unitId: 'b', startMs: 110, roomAtMs: 110, isGuess: false, aheadCount: 1 },
      { unitId: 'c', startMs: 160, roomAtMs: 160, isGuess: false, aheadCount: 2 },
      { unitId: 'd', startMs: 10, roomAtMs: 10, isGuess: false, aheadCount: 3 },
      { unitId: 'e', startMs: 60_160, roomAtMs: 60_160, isGuess: true, aheadCount: 4 },
    ])
  })

  test('tells the start of a unit that waits for other nodes from when there is room for it here', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a', 'o', { cores: 6, notBeforeMs: 500, gang: { jobId: 'a', sinceMs: 0 } }))
    queue.add(unit('b', 'o', { cores: 4, limitMs: 90, queuedAtMs: 1 }))
    queue.add(unit('c', 'o', { cores: 8, limitMs: 10, queuedAtMs: 2 }))
    expect(queue.estimate(stateOf(0, []))).toMatchObject([
      { unitId: 'a', startMs: 500, roomAtMs: 90 },
      { unitId: 'b', startMs: 0, roomAtMs: 0 },
      { unitId: 'c', startMs: 60_500, roomAtMs: 60_500 },
    ])
  })

  test('is none where nothing will make room', () => {
    const queue = new UnitQueue(node)
    queue.add(unit('a', 'o', { cores: 8 }))
    const shrunk = { nowMs: 0, running: [], free: { cores: 4, memoryBytes: 100 } }
    expect(queue.estimate(shrunk)).toMatchObject([{ startMs: undefined }])
  })

  test('agrees with the plan: who starts now, and from when the head has its room', () => {
    fc.assert(
      fc.property(arrivals({ isLimited: false, owners: 3 }), (list) => {
        const queue = new UnitQueue(node)
        for (const [index, { afterMs, runShare: _, ...rest }] of list.entries())
          queue.add({ ...rest, unitId: `u${index}`, queuedAtMs: afterMs })
        const state = stateOf(100, [])
        const { starts, reserved } = queue.plan(state)
        const estimates = new Map(queue.estimate(state).map((estimate) => [estimate.unitId, estimate]))
        expect(estimates.size).toBe(list.length)
        for (const { unitId } of starts) expect(estimates.get(unitId)).toMatchObject({ startMs: 100 })
        if (reserved) expect(estimates.get(reserved.unitId)!.startMs).toBe(reserved.fromMs)
      }),
    )
  })
})
