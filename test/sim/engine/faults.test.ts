import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../../overlay/env/index.ts'
import { constantLatency, uniformLatency } from '../../../sim/engine/index.ts'
import { chatterGrid } from './chatter.ts'

const STEADY = { seed: 1, latency: constantLatency(10) }
const seeds = fc.integer({ min: 0, max: 2 ** 32 })

describe('a crash', () => {
  test('loses timers, what was in memory and what was on its way to the node', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    const before = at(1)
    before.env.wakeAfter(5, 'never')
    at(0).say(ids[1]!, 1)
    simulation.crash(ids[1]!)
    simulation.restart(ids[1]!)
    await simulation.run(100)
    expect(at(1)).not.toBe(before)
    expect([before.heard, before.woken, at(1).heard, at(1).woken]).toEqual([[], [], [], []])
    at(0).say(ids[1]!, 2)
    await simulation.run(100)
    expect(at(1).counts).toEqual([2])
  })

  test('leaves the disk as it was written, and a monotonic clock that begins anew', async () => {
    const startsMs: number[] = []
    const lives: unknown[] = []
    const { simulation, ids } = chatterGrid(STEADY, {
      count: 1,
      also: (node) => {
        startsMs.push(node.surroundings.nowMs)
        lives.push(node.disk.read('life'))
        node.disk.write('life', { number: lives.length })
      },
    })
    await simulation.run(1_000)
    simulation.crash(ids[0]!)
    await simulation.run(1_000)
    simulation.restart(ids[0]!)
    expect(lives).toEqual([undefined, { number: 1 }])
    expect(startsMs).toEqual([0, 0])
  })

  test('no message reaches a node that is down, whatever happens when', async () => {
    const script = fc.array(
      fc.record({ node: fc.integer({ min: 0, max: 4 }), afterMs: fc.integer({ min: 1, max: 80 }) }),
    )
    await fc.assert(
      fc.asyncProperty(seeds, script, async (seed, faults) => {
        const heardWhileDown: string[] = []
        const { simulation, ids } = chatterGrid(
          { seed, latency: uniformLatency({ minMs: 1, maxMs: 60 }) },
          {
            count: 5,
            everyMs: 7,
            also: (node, chatter) => {
              const receive = chatter.receive.bind(chatter)
              chatter.receive = (from, message, env) => {
                if (!simulation.isUp(node.self)) heardWhileDown.push(`${node.self} at ${simulation.nowMs} ms`)
                receive(from, message, env)
              }
            },
          },
        )
        simulation.invariant('the dead hear nothing', () => heardWhileDown[0])
        for (const { node, afterMs } of faults) {
          const id = ids[node]!
          if (simulation.isUp(id)) simulation.crash(id)
          else simulation.restart(id)
          await simulation.run(afterMs)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('the network', () => {
  test('delivers after its latency', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    at(0).say(ids[1]!, 1)
    await simulation.run(9.9)
    expect(at(1).heard).toEqual([])
    await simulation.run(0.2)
    expect(at(1).heard[0]).toMatchObject({ atMs: 10, count: 1 })
  })

  test('takes as long as a function of the pair says', async () => {
    const { simulation, ids, at } = chatterGrid(
      { seed: 1, latency: (from) => (from === ids[0] ? 5 : 50) },
      { count: 2 },
    )
    at(0).say(ids[1]!, 1)
    at(1).say(ids[0]!, 2)
    await simulation.run(100)
    expect([at(1).heard[0]!.atMs, at(0).heard[0]!.atMs]).toEqual([5, 50])
  })

  test('lets messages overtake each other when latency varies, and never when it does not', async () => {
    const sent = Array.from({ length: 50 }, (_, index) => index)
    for (const [latency, isOrdered] of [
      [uniformLatency({ minMs: 1, maxMs: 50 }), false],
      [constantLatency(20), true],
    ] as const) {
      const { simulation, ids, at } = chatterGrid({ seed: 1, latency }, { count: 2 })
      for (const count of sent) at(0).say(ids[1]!, count)
      await simulation.run(100)
      expect(at(1).counts.toSorted((a, b) => a - b)).toEqual(sent)
      expect(at(1).counts.join() === sent.join()).toBe(isOrdered)
    }
  })

  test('loses and doubles the share that it is told to', async () => {
    const { simulation, ids, at } = chatterGrid({ ...STEADY, lossShare: 0.25, duplicateShare: 0.5 }, { count: 2 })
    for (let count = 0; count < 4_000; count++) at(0).say(ids[1]!, count)
    await simulation.run(100)
    expect(new Set(at(1).counts).size / 4_000).toBeCloseTo(0.75, 1)
    expect(at(1).heard.length / new Set(at(1).counts).size).toBeCloseTo(1.5, 1)
    simulation.network.lossShare = 1
    at(0).say(ids[1]!, 9_999)
    await simulation.run(100)
    expect(at(1).counts).not.toContain(9_999)
  })

  test('lets nothing pass between the sides of a partition until it is healed', async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 6, maxLength: 6 }),
        async (seed, sides) => {
          const { simulation, ids, at } = chatterGrid({ seed, latency: constantLatency(1) }, { count: 6, everyMs: 5 })
          const onSide = (side: number): PeerId[] => ids.filter((_, index) => sides[index] === side)
          simulation.network.partition([onSide(0), onSide(1)])
          await simulation.run(200)
          for (const [index] of ids.entries())
            for (const { from } of at(index).heard) expect(sides[ids.indexOf(from)]).toBe(sides[index])
          simulation.network.heal()
          await simulation.run(500)
          for (const [index] of ids.entries()) expect(new Set(at(index).heard.map(({ from }) => from)).size).toBe(5)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('lets a one-way partition be crossed one way', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    simulation.network.partition([[ids[0]!], [ids[1]!]], { oneWay: true })
    at(0).say(ids[1]!, 1)
    at(1).say(ids[0]!, 2)
    await simulation.run(100)
    expect([at(0).counts, at(1).counts]).toEqual([[], [1]])
  })

  test('cuts and mends one link in one direction', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 3 })
    const [a, b, c] = ids as [PeerId, PeerId, PeerId]
    simulation.network.cut(a, b)
    at(0).say(b, 1)
    at(0).say(c, 2)
    at(1).say(a, 3)
    await simulation.run(100)
    simulation.network.mend(a, b)
    at(0).say(b, 4)
    await simulation.run(100)
    expect([at(0).counts, at(1).counts, at(2).counts]).toEqual([[3], [4], [2]])
  })

  test('still delivers what was under way when the link was cut', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    at(0).say(ids[1]!, 1)
    simulation.network.cut(ids[0]!, ids[1]!)
    await simulation.run(100)
    expect(at(1).counts).toEqual([1])
  })

  test('makes everything to and from a slow node take longer', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    simulation.network.slow(ids[1]!, 7)
    at(0).say(ids[1]!, 1)
    at(1).say(ids[0]!, 2)
    await simulation.run(100)
    expect([at(0).heard[0]!.atMs, at(1).heard[0]!.atMs]).toEqual([70, 70])
    simulation.network.slow(ids[1]!, 1)
    at(0).say(ids[1]!, 3)
    await simulation.run(10)
    expect(at(1).counts).toEqual([1, 3])
  })
})

describe('a pause', () => {
  test('of a laptop: overdue timers fire at once on waking, in order, and messages are lost', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    for (const [timer, afterMs] of Object.entries({ first: 20, second: 30, later: 200 }))
      at(1).env.wakeAfter(afterMs, timer)
    simulation.pause(ids[1]!)
    at(0).say(ids[1]!, 1)
    await simulation.run(100)
    expect(at(1).woken).toEqual([])
    simulation.resume(ids[1]!)
    await simulation.run(1)
    expect(at(1).woken).toEqual([
      { timer: 'first', atMs: 100 },
      { timer: 'second', atMs: 100 },
    ])
    await simulation.run(100)
    expect(at(1).woken[2]).toEqual({ timer: 'later', atMs: 200 })
    expect(at(1).heard).toEqual([])
  })

  test('of a process: messages are found on waking', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    simulation.pause(ids[1]!, 'held')
    for (let count = 0; count < 3; count++) at(0).say(ids[1]!, count)
    await simulation.run(100)
    expect(at(1).counts).toEqual([])
    simulation.resume(ids[1]!)
    await simulation.run(1)
    expect(at(1).counts).toEqual([0, 1, 2])
  })

  test('ends with a crash: what was set aside is gone', async () => {
    const { simulation, ids, at } = chatterGrid(STEADY, { count: 2 })
    simulation.pause(ids[1]!, 'held')
    at(0).say(ids[1]!, 1)
    await simulation.run(100)
    simulation.crash(ids[1]!)
    simulation.restart(ids[1]!)
    await simulation.run(100)
    expect(at(1).counts).toEqual([])
  })
})

describe('wall clocks', () => {
  test('are wrong by up to the skew, and jump, while monotonic time stays as it is', async () => {
    const { simulation, ids, at } = chatterGrid({ ...STEADY, wallSkewMsMax: 5_000, wallStartMs: 1e12 }, { count: 20 })
    await simulation.run(1_000)
    const offsets = ids.map((_, index) => at(index).env.wallMs - 1e12 - 1_000)
    for (const offset of offsets) expect(Math.abs(offset)).toBeLessThanOrEqual(5_000)
    expect(new Set(offsets).size).toBe(20)
    simulation.jumpWall(ids[0]!, -60_000)
    expect(at(0).env.wallMs - 1e12 - 1_000).toBeCloseTo(offsets[0]! - 60_000)
    expect(at(0).env.nowMs).toBe(1_000)
  })
})
