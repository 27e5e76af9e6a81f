import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from '../../../../aem/protocol/scheduling/heap.ts'

const compare = (one: number, other: number): number => one - other
const values = fc.array(fc.nat(50))

test('a heap gives back what it was made of and what was added, sorted', () => {
  fc.assert(
    fc.property(values, values, (first, later) => {
      const heap = new Heap(compare, [...first])
      for (const value of later) heap.push(value)
      const sorted = [...first, ...later].sort(compare)
      expect(heap.first).toBe(sorted[0])
      expect(sorted.map(() => heap.pop())).toEqual(sorted)
      expect(heap.pop()).toBeUndefined()
    }),
  )
})

test('a heap that keeps some gives these back, sorted', () => {
  fc.assert(
    fc.property(values, fc.nat(50), (all, border) => {
      const heap = new Heap(compare, [...all])
      heap.keep((value) => value >= border)
      const sorted = all.filter((value) => value >= border).sort(compare)
      expect(sorted.map(() => heap.pop())).toEqual(sorted)
      expect(heap.pop()).toBeUndefined()
    }),
  )
})
