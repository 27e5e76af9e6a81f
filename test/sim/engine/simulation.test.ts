import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RoostError } from '../../../overlay/error/index.ts'
import { decode, encode } from '../../../node/codec/index.ts'
import { constantLatency, Simulation, type SimulationOptions } from '../../../sim/engine/index.ts'
import { chatterGrid, chatterWire } from './chatter.ts'

/** A run with a bit of everything. */
async function stormyRun(options: SimulationOptions): Promise<Simulation> {
  const { simulation, ids } = chatterGrid(
    { lossShare: 0.1, duplicateShare: 0.1, ...options },
    { count: 20, everyMs: 50 },
  )
  await simulation.run(500)
  for (const id of ids.slice(0, 5)) simulation.crash(id)
  simulation.network.partition([ids.slice(0, 10), ids.slice(10)])
  await simulation.run(500)
  for (const id of ids.slice(0, 3)) simulation.restart(id)
  simulation.pause(ids[7]!)
  simulation.network.heal()
  await simulation.run(500)
  simulation.resume(ids[7]!)
  await simulation.run(500)
  return simulation
}

describe('a seed', () => {
  test('gives the same trace each time, and another seed another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }), async (seed) => {
        const [first, second, other] = [
          await stormyRun({ seed }),
          await stormyRun({ seed }),
          await stormyRun({ seed: seed + 1 }),
        ]
        expect(second.traceHash).toBe(first.traceHash)
        expect(second.counts).toEqual(first.counts)
        expect(other.traceHash).not.toBe(first.traceHash)
        expect(other.ids).not.toEqual(first.ids)
      }),
      { numRuns: 10 },
    )
  })

  test('gives this trace on every machine', async () => {
    expect((await stormyRun({ seed: 42 })).traceHash).toBe('fd49b464a58aeeed')
    expect((await stormyRun({ seed: 42, passage: { encode, decode } })).traceHash).toBe('fdd2968644f191ad')
  })

  test('gives the same events whether messages cross as they are, strictly or as bytes', async () => {
    const runs = [
      await stormyRun({ seed: 7 }),
      await stormyRun({ seed: 7, passage: 'strict' }),
      await stormyRun({ seed: 7, passage: { encode, decode } }),
    ]
    const [plain, ...others] = runs.map(({ counts }) => ({ ...counts, bytesSent: 0 }))
    for (const counts of others) expect(counts).toEqual(plain)
  })

  test('gives each purpose its own chance: one more draw in a protocol shifts no latency and no other node', async () => {
    const arrivals = async (drawsCount: number): Promise<number[]> => {
      const { simulation, ids, at } = chatterGrid({ seed: 5 }, { count: 3 })
      for (let draw = 0; draw < drawsCount; draw++) at(0).env.rng.next()
      at(1).say(ids[2]!, at(1).env.rng.below(1_000))
      await simulation.run(1_000)
      return at(2).heard.flatMap(({ atMs, count }) => [atMs, count])
    }
    expect(await arrivals(3)).toEqual(await arrivals(0))
  })
})

describe('conversations', () => {
  test('continue to their end between two events, however long their chains of promises', async () => {
    const log: string[] = []
    const simulation = new Simulation({ seed: 1 })
    simulation.addNode({
      mount: (node) => {
        const env = node.serve(
          { id: '/x/1', messageBytesMax: 1, parseRequest: (value) => value, parseReply: (value) => value },
          { answer: () => null },
        )
        void (async () => {
          await env.sleep(10)
          for (let link = 0; link < 1_000; link++) await Promise.resolve()
          log.push(`continued at ${env.nowMs}`)
          await env.sleep(5)
          log.push(`again at ${env.nowMs}`)
        })()
      },
    })
    simulation.act(10.5, () => log.push('an event'))
    await simulation.run(20)
    expect(log).toEqual(['continued at 10', 'an event', 'again at 15'])
  })

  test('converse gives the value, the error, or TIMEOUT', async () => {
    const { simulation } = chatterGrid({ seed: 1 }, { count: 1 })
    expect(await simulation.converse(async () => 7, 1_000)).toBe(7)
    const failing = simulation.converse(() => Promise.reject(new RoostError('DENIED', 'no')), 1_000)
    await expect(failing).rejects.toMatchObject({ code: 'DENIED' })
    await expect(simulation.converse(() => new Promise(() => {}), 1_000)).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})

describe('a run ends', () => {
  test('at the first event that breaks an invariant, with seed, time and the line that replays it', async () => {
    const planted = { seed: 9, latency: constantLatency(10), replay: 'roost sim run x --seed 9' }
    const { simulation, ids, at } = chatterGrid(planted, { count: 2 })
    simulation.invariant('nobody hears of 13', () => (at(1).counts.includes(13) ? 'node 1 has' : undefined))
    at(0).say(ids[1]!, 12)
    await simulation.run(100)
    at(0).say(ids[1]!, 13)
    const failed = await simulation.run(100).catch((thrown: unknown) => thrown)
    expect(failed).toMatchObject({
      code: 'SIMULATION_VIOLATION',
      message: 'nobody hears of 13: node 1 has (seed 9, at 110.000 ms)',
      hint: 'replay: roost sim run x --seed 9',
      data: { invariant: 'nobody hears of 13', seed: 9, timeMs: 110, replay: 'roost sim run x --seed 9' },
    })
    await expect(simulation.run(1)).rejects.toBe(failed)
  })

  test('at the next look when a periodic invariant is broken, also with no event in between', async () => {
    const { simulation } = chatterGrid({ seed: 1 }, { count: 1 })
    let looksCount = 0
    simulation.invariant('fewer than three looks', () => (++looksCount < 3 ? undefined : 'that was the third'), {
      everyMs: 100,
    })
    await simulation.run(150)
    await simulation.run(99)
    expect(looksCount).toBe(2)
    await expect(simulation.run(100)).rejects.toMatchObject({ code: 'SIMULATION_VIOLATION' })
  })

  test('when a protocol throws, with what it threw as the cause', async () => {
    const mistake = new TypeError('undefined is not a function')
    const { simulation, ids, at } = chatterGrid({ seed: 1 }, { count: 2 })
    at(1).receive = () => {
      throw mistake
    }
    at(0).say(ids[1]!, 1)
    await expect(simulation.run(1_000)).rejects.toMatchObject({ code: 'SIMULATION_VIOLATION', cause: mistake })
  })

  test('when more events are pending than its bound allows', async () => {
    const { simulation, ids, at } = chatterGrid({ seed: 1, eventsPendingMax: 100 }, { count: 2 })
    at(1).receive = (from, message, env) => {
      env.send(from, message)
      env.send(from, message)
    }
    at(0).receive = at(1).receive
    at(0).say(ids[1]!, 1)
    await expect(simulation.run(60_000)).rejects.toMatchObject({ code: 'BUSY' })
    expect(simulation.pendingCount).toBeLessThanOrEqual(100)
  })
})

describe('strict passage', () => {
  test('freezes what is sent: whoever changes it afterwards fails there', async () => {
    const { simulation, ids, at } = chatterGrid({ seed: 1, passage: 'strict' }, { count: 2 })
    const message = { type: 'saying', count: 1 } as { type: 'saying'; count: number }
    at(0).env.send(ids[1]!, message)
    expect(() => (message.count = 2)).toThrow(TypeError)
    await simulation.run(1_000)
    expect(at(1).counts).toEqual([1])
  })

  test('counts the bytes that the codec would make', async () => {
    const bytes: number[] = []
    for (const passage of ['strict', { encode, decode }] as const) {
      const { simulation, ids, at } = chatterGrid({ seed: 1, passage }, { count: 2 })
      for (let count = 1; count < 1e9; count *= 7) at(0).say(ids[1]!, count)
      await simulation.run(1_000)
      bytes.push(simulation.counts.bytesSent)
    }
    expect(bytes[0]).toBe(bytes[1])
    expect(bytes[0]).toBeGreaterThan(0)
  })
})

test('a restart while events are still pending does not start a protocol twice', async () => {
  let startedCount = 0
  const simulation = new Simulation({ seed: 1 })
  const id = simulation.addNode({
    mount: (node) => {
      node.mount(chatterWire, { start: () => startedCount++, receive: () => {}, wake: () => {} }, () => {})
    },
  })
  simulation.crash(id)
  simulation.crash(id)
  simulation.restart(id)
  await simulation.run(100)
  expect(startedCount).toBe(2)
})
