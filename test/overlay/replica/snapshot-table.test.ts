import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shape } from '../../../overlay/index.ts'
import { SnapshotTable, type Given } from '../../../overlay/replica/index.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('set' as const), key: fc.constantFrom(...KEYS), value: fc.nat(9) }),
    fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom(...KEYS) }),
    fc.record({ do: fc.constant('begin' as const) }),
    fc.record({ do: fc.constant('draw' as const), which: fc.nat(3) }),
    fc.record({ do: fc.constant('give up' as const), which: fc.nat(3) }),
  ),
  { maxLength: 60 },
)

/** Rows so heavy that a chunk has one. */
const heavy = (value: number): string => String(value).repeat(70_000)

test('law: a snapshot has the table as it was, in its order, whatever changes while it is drawn', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const table = new SnapshotTable(shape.text(100_000))
      const drawings: { expected: unknown; chunks: Given[]; drawing: IterableIterator<Given>; isOver: boolean }[] = []
      const draw = (one: (typeof drawings)[number]): void => {
        const { value, done } = one.drawing.next()
        if (done) one.isOver = true
        else one.chunks.push(value)
      }
      for (const step of taken) {
        if (step.do === 'set') table.set(step.key, heavy(step.value))
        else if (step.do === 'delete') table.delete(step.key)
        else if (step.do === 'begin')
          drawings.push({ expected: [...table.entries()], chunks: [], drawing: table.snapshot(), isOver: false })
        else {
          const one = drawings[step.which]
          if (one === undefined || one.isOver) continue
          if (step.do === 'draw') draw(one)
          else {
            one.drawing.return!()
            drawings.splice(step.which, 1)
          }
        }
      }
      for (const one of drawings) {
        while (!one.isOver) draw(one)
        const restored = new SnapshotTable(shape.text(100_000))
        const take = restored.restore()
        for (const chunk of one.chunks) take(chunk)
        expect([...restored.entries()]).toEqual(one.expected)
      }
    }),
    { numRuns: 300 },
  )
})

test('a chunk that is none is refused', () => {
  const take = new SnapshotTable(shape.text(10)).restore()
  for (const chunk of ['rows', [['a']], [['a', 1]], [[1, 'a']], [['a', 'x'.repeat(11)]]])
    expect(() => take(chunk)).toThrow(expect.objectContaining({ code: 'MESSAGE_MALFORMED' }))
})
