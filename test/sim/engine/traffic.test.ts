import { describe, expect, test } from 'vitest'
import type { CallEnv, CallWire, PeerId } from '../../../overlay/env/index.ts'
import { decode, encode } from '../../../node/codec/index.ts'
import { chanceFor, type SimulationOptions } from '../../../sim/engine/index.ts'
import { plainBytes } from '../../../sim/engine/size.ts'
import { Meter } from '../../../sim/engine/traffic.ts'
import { chatterGrid, chatterWire } from './chatter.ts'

const questions: CallWire<string, string> = {
  id: '/roost/test-traffic/1',
  messageBytesMax: 1_000,
  parseRequest: (value) => String(value),
  parseReply: (value) => String(value),
}

/** A few messages, a call that is answered and one that fails. */
async function talk(options: Omit<SimulationOptions, 'seed'>): Promise<Record<string, unknown>> {
  const envs = new Map<PeerId, CallEnv<string, string>>()
  const { simulation, ids, at } = chatterGrid(
    { seed: 1, ...options },
    {
      count: 2,
      also: (node) => {
        const answer = (_from: PeerId, question: string): string => {
          if (question === 'no') throw new Error('never')
          return question.repeat(3)
        }
        envs.set(node.self, node.serve(questions, { answer }))
      },
    },
  )
  for (let count = 1; count < 1e9; count *= 7) at(0).say(ids[1]!, count)
  const call = (text: string): Promise<unknown> =>
    envs
      .get(ids[0]!)!
      .call(ids[1]!, text, { timeoutMs: 1_000 })
      .catch((thrown: unknown) => thrown)
  await simulation.converse(() => call('what'), 2_000)
  await simulation.converse(() => call('no'), 2_000)
  expect(simulation.counts.bytesSent).toBe(sum([...simulation.traffic().values()].map(({ bytes }) => bytes)))
  return Object.fromEntries(simulation.traffic())
}

describe('traffic', () => {
  test('is counted by wire, messages and both ways of calls, alike however they cross', async () => {
    const plain = await talk({})
    expect(plain).toEqual(await talk({ passage: 'strict' }))
    expect(plain).toEqual(await talk({ passage: { encode, decode } }))
    expect(plain).toMatchObject({ [chatterWire.id]: { messages: 11 }, [questions.id]: { messages: 4 } })
  })

  test('counts what is lost on the way as sent, and what is too large to be sent not at all', async () => {
    const { simulation, ids, at } = chatterGrid({ seed: 1, passage: 'strict', lossShare: 1 }, { count: 2 })
    at(0).say(ids[1]!, 1)
    at(0).env.send(ids[1]!, { type: 'saying', count: 'x'.repeat(9_999) } as never)
    expect(simulation.traffic().get(chatterWire.id)!.messages).toBe(1)
  })
})

describe('a meter', () => {
  test('estimates the bytes of many messages from a few of them, also where large and small ones take turns', () => {
    for (const period of [1, 2, 3, 4, 64, 65]) {
      const rng = chanceFor(period, 'scenario')
      const meter = new Meter()
      let bytes = 0
      for (let count = 0; count < 200_000; count++) {
        const message = { text: 'x'.repeat((count % period) * 10 + rng.below(20)) }
        bytes += plainBytes(message)
        meter.sample(message)
      }
      expect(meter.read().messages).toBe(200_000)
      expect(meter.read().bytes / bytes).toBeGreaterThan(0.97)
      expect(meter.read().bytes / bytes).toBeLessThan(1.03)
    }
  })

  test('counts the first messages one by one, and never runs back', () => {
    const meter = new Meter()
    let before = 0
    for (let count = 0; count < 1_000; count++) {
      meter.sample({ count })
      const { bytes } = meter.read()
      expect(bytes).toBeGreaterThan(before)
      if (count < 256) expect(bytes - before).toBe(plainBytes({ count }))
      before = bytes
    }
  })
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
