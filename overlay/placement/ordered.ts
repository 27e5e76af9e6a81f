import type { AttributeValue } from '../attributes/index.ts'

/**
 * One order over all values that an attribute can have, so that every condition on one attribute is a union of intervals:
 * absent (`null`), then what is neither number nor text nor truth value (`OTHER`), false, true, numbers, texts. Texts stand in
 * lower case and in the order of their code units, which is how expressions compare them.
 */
export type Ordered = null | readonly never[] | boolean | number | string

/** A list, or labels below the name: `gpu` where a node has `gpu.driver`. They are there, and have no place in any range. */
export const OTHER: readonly never[] = []

/** The end of an interval: a value, or `undefined`, which is above all of them. */
export type Bound = Ordered | undefined

export function orderedOf(value: AttributeValue | undefined): Ordered {
  if (value === undefined) return null
  if (typeof value === 'string') return value.toLowerCase()
  return typeof value === 'object' ? OTHER : value
}

/** Below, at or above 0. */
export function compareOrdered(one: Ordered, other: Ordered): number {
  if (typeof one === 'number' && typeof other === 'number') return one < other ? -1 : one > other ? 1 : 0
  const classes = classOf(one) - classOf(other)
  if (classes !== 0 || one === null || typeof one === 'object') return classes
  return one < other! ? -1 : one > other! ? 1 : 0
}

export function compareBounds(one: Bound, other: Bound): number {
  if (one === undefined) return other === undefined ? 0 : 1
  return other === undefined ? -1 : compareOrdered(one, other)
}

function classOf(value: Ordered): number {
  switch (typeof value) {
    case 'object':
      return value === null ? 0 : 1
    case 'boolean':
      return 2
    case 'number':
      return 3
    case 'string':
      return 4
  }
}

/** The least value above this one; there is always one, since texts have no end. */
export function after(value: Ordered): Ordered {
  switch (typeof value) {
    case 'object':
      return value === null ? OTHER : false
    case 'boolean':
      return value ? -Infinity : true
    case 'number':
      return value === Infinity ? '' : nextUp(value)
    case 'string':
      return `${value}\0`
  }
}

const real = new Float64Array(1)
const bits = new BigInt64Array(real.buffer)

/** The next double: its bits, read as a whole number, are in the order of the doubles of one sign. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  real[0] = value
  bits[0] = bits[0]! + (value > 0 ? 1n : -1n)
  return real[0]
}
