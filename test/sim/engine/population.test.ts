import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chanceFor } from '../../../sim/engine/index.ts'
import { chatterGrid } from './chatter.ts'

test('who is up is told by count, by place and by chance, through crashes, pauses and restarts', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 40 }), (faults) => {
      const { simulation, ids } = chatterGrid({ seed: 1 }, { count: 10 })
      for (const [turn, index] of faults.entries()) {
        const id = ids[index]!
        if (!simulation.isUp(id)) simulation.restart(id)
        else if (turn % 2 === 0) simulation.crash(id)
        else simulation.stop(id)
      }
      const upIds = ids.filter((id) => simulation.isUp(id))
      expect(simulation.upIds).toEqual(upIds)
      expect(simulation.upCount).toBe(upIds.length)
      expect(ids.filter((_, index) => simulation.isUpAt(index))).toEqual(upIds)
      expect(ids.map((id) => simulation.indexOf(id))).toEqual([...ids.keys()])
      const rng = chanceFor(1, 'scenario')
      const drawn = new Set(Array.from({ length: 300 }, () => simulation.drawUp(rng)))
      expect(drawn).toEqual(new Set(upIds.length === 0 ? [undefined] : upIds))
    }),
  )
})

test('a paused node is up', () => {
  const { simulation, ids } = chatterGrid({ seed: 1 }, { count: 3 })
  simulation.pause(ids[1]!)
  expect([simulation.upCount, simulation.isUp(ids[1]!), simulation.isUpAt(1)]).toEqual([3, true, true])
})

test('the last few of many are still drawn', () => {
  const { simulation, ids } = chatterGrid({ seed: 1 }, { count: 100 })
  for (const id of ids.slice(2)) simulation.crash(id)
  const rng = chanceFor(1, 'scenario')
  expect(new Set(Array.from({ length: 50 }, () => simulation.drawUp(rng)))).toEqual(new Set(ids.slice(0, 2)))
})
