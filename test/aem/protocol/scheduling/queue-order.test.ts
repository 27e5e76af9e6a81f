import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGE_MS, type UnitRequest } from '../../../../aem/protocol/scheduling/index.ts'
import { inOrder } from '../../../../aem/protocol/scheduling/queue-order.ts'

const owners = ['a', 'b', 'c']
const factors = fc.record({ a: fc.double(share()), b: fc.double(share()), c: fc.double(share()) })
function share(): fc.DoubleConstraints {
  return { min: Number.MIN_VALUE, max: 1, noNaN: true }
}
const factorOf =
  (table: Record<string, number>) =>
  (owner: string): number =>
    table[owner]!

function requests(gangShare: number): fc.Arbitrary<UnitRequest[]> {
  const request = fc.record({
    owner: fc.constantFrom(...owners),
    priority: fc.integer({ min: -1, max: 1 }),
    queuedAtMs: fc.nat(3 * AGE_MS),
    inGang: fc.nat(99),
    sinceMs: fc.nat(3),
  })
  return fc.array(request, { maxLength: 30 }).map((list) =>
    list.map(({ inGang, sinceMs, ...rest }, index): UnitRequest => {
      const base = { ...rest, unitId: `u${index}`, cores: 1, memoryBytes: 0 }
      return inGang < gangShare ? { ...base, gang: { jobId: `j${index % 7}`, sinceMs } } : base
    }),
  )
}

const idsOf = (list: readonly UnitRequest[]): string[] => list.map(({ unitId }) => unitId)

describe('the order', () => {
  test('does not depend on who came to the node first', () => {
    fc.assert(
      fc.property(requests(50), factors, fc.nat(), (list, table, seed) => {
        const shuffled = list.toSorted((one, other) => mix(one.unitId, seed) - mix(other.unitId, seed))
        expect(idsOf(inOrder(shuffled, factorOf(table)))).toEqual(idsOf(inOrder(list, factorOf(table))))
      }),
    )
  })

  test('puts priority above all, and no more than a time of waiting below fair share', () => {
    fc.assert(
      fc.property(requests(0), factors, (list, table) => {
        const order = inOrder(list, factorOf(table))
        for (const [place, one] of order.entries())
          for (const other of order.slice(place + 1)) {
            expect(one.priority).toBeGreaterThanOrEqual(other.priority)
            if (one.priority === other.priority) expect(one.queuedAtMs - other.queuedAtMs).toBeLessThanOrEqual(AGE_MS)
          }
      }),
    )
  })

  test('is by age within a user, and by use among those of one age', () => {
    const at = (unitId: string, owner: string, queuedAtMs: number): UnitRequest => ({
      unitId,
      owner,
      queuedAtMs,
      cores: 1,
      memoryBytes: 0,
      priority: 0,
    })
    const list = [at('1', 'a', 20), at('2', 'a', 10), at('3', 'b', 15), at('4', 'c', AGE_MS)]
    expect(idsOf(inOrder(list, factorOf({ a: 0.2, b: 0.8, c: 1 }))).join('')).toBe('3214')
  })

  test('of gangs is one at all nodes, however users stand there, and leaves the others their places', () => {
    fc.assert(
      fc.property(requests(50), factors, factors, (list, here, there) => {
        const gangsOf = (order: readonly UnitRequest[]): string[] => idsOf(order.filter(({ gang }) => gang))
        const order = inOrder(list, factorOf(here))
        expect(gangsOf(order)).toEqual(gangsOf(inOrder(list, factorOf(there))))
        const alone = inOrder(list.map(withoutGang), factorOf(here))
        for (const [place, request] of order.entries())
          if (!request.gang) expect(alone[place]!.unitId).toBe(request.unitId)
      }),
    )
  })
})

function withoutGang(request: UnitRequest): UnitRequest {
  const { gang: _, ...rest } = request
  return rest
}

/** A number for each pair of text and seed, as a shuffle. */
function mix(text: string, seed: number): number {
  let hash = seed | 0
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  return hash
}
