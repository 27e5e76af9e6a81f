import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findNonlinearizable, type Model, type Operation } from '../../../sim/history/index.ts'

type Input = { readonly write: number } | 'read'
const register: Model<number, Input, number> = {
  initial: 0,
  step: (state, input, output) => {
    if (input !== 'read') return input.write
    return output === undefined || output === state ? state : undefined
  },
}

function operation(input: Input, output: number | undefined, call: number, end: number): Operation<Input, number> {
  return { key: 'x', input, output, call, return: end }
}

describe('the checker', () => {
  test('takes a read that overlaps a write for one before or after it', () => {
    const write = operation({ write: 1 }, 1, 0, 3)
    for (const seen of [0, 1])
      expect(findNonlinearizable([write, operation('read', seen, 1, 2)], register)).toBeUndefined()
  })

  test('refuses a read of what was overwritten before it began', () => {
    expect(findNonlinearizable([operation({ write: 1 }, 1, 0, 1), operation('read', 0, 2, 3)], register)).toContain('x')
  })

  test('refuses a new value that is seen before an old one', () => {
    const history = [operation({ write: 1 }, 1, 0, 9), operation('read', 1, 1, 2), operation('read', 0, 3, 4)]
    expect(findNonlinearizable(history, register)).toBeDefined()
  })

  test('lets a write of unknown outcome happen late, or never', () => {
    const lost = operation({ write: 1 }, undefined, 0, 1)
    expect(findNonlinearizable([lost, operation('read', 0, 2, 3)], register)).toBeUndefined()
    expect(
      findNonlinearizable([lost, operation('read', 0, 2, 3), operation('read', 1, 4, 5)], register),
    ).toBeUndefined()
    expect(findNonlinearizable([lost, operation('read', 1, 2, 3), operation('read', 0, 4, 5)], register)).toBeDefined()
  })

  test('law: it says of small histories what trying all orders says', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(findNonlinearizable(history, register) === undefined).toBe(hasOrder(history, register.initial))
      }),
      { numRuns: 2_000 },
    )
  })
})

/** Up to six operations with any overlaps, and any values. */
const histories = fc
  .array(
    fc.record({
      write: fc.boolean(),
      value: fc.integer({ min: 0, max: 2 }),
      isKnown: fc.boolean(),
      call: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 0, max: 8 }),
    }),
    { maxLength: 6 },
  )
  .map((drawn) =>
    drawn.map(({ write, value, isKnown, call, length }, index) =>
      operation(
        write ? { write: value } : 'read',
        !write || isKnown ? value : undefined,
        // No two marks in one place.
        call * 10 + index,
        (call + length) * 10 + index + 0.5,
      ),
    ),
  )

/** Every order of every choice of the unknown ones, tried. */
function hasOrder(left: readonly Operation<Input, number>[], state: number): boolean {
  const definite = left.filter(({ output }) => output !== undefined)
  if (definite.length === 0) return true
  const firstReturn = Math.min(...definite.map((one) => one.return))
  return left.some((one) => {
    if (one.call > firstReturn) return false
    const after = register.step(state, one.input, one.output)
    return (
      after !== undefined &&
      hasOrder(
        left.filter((other) => other !== one),
        after,
      )
    )
  })
}
