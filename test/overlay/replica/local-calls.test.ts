import { expect, test } from 'vitest'
import { LocalCalls } from '../../../overlay/replica/local-calls.ts'
import type { ReplicaReply } from '../../../overlay/replica/index.ts'
import { RoostError } from '../../../overlay/index.ts'

const ASKED = { type: 'read', group: 'g', query: null } as const
const DONE: ReplicaReply = { type: 'done', result: 1 }

test('answers come as they are, and cost one timer for all that are open', async () => {
  const world = new World()
  const asked = Array.from({ length: 100 }, () => world.calls.ask(ASKED, 1_000))
  expect(world.sleepCount).toBe(1)
  for (const settle of world.answers) settle.resolve(DONE)
  expect(await Promise.all(asked)).toEqual(asked.map(() => DONE))
  world.answers[0]!.resolve(DONE)
})

test('each is late when its own time is over, whichever came first', async () => {
  const world = new World()
  const ends: string[] = []
  const ask = (name: string, timeoutMs: number): void =>
    void world.calls.ask(ASKED, timeoutMs).catch(({ code }: RoostError) => ends.push(`${name} ${code}`))
  ask('long', 1_000)
  ask('short', 50)
  await world.advance(49)
  expect(ends).toEqual([])
  await world.advance(1)
  expect(ends).toEqual(['short CALL_TIMEOUT'])
  ask('later', 2_000)
  await world.advance(950)
  expect(ends).toEqual(['short CALL_TIMEOUT', 'long CALL_TIMEOUT'])
  await world.advance(1_050)
  expect(ends.at(-1)).toBe('later CALL_TIMEOUT')
})

test('an error is told as it came', async () => {
  const world = new World()
  const asked = world.calls.ask(ASKED, 1_000)
  world.answers[0]!.reject(new RoostError('BUSY', 'too much'))
  await expect(asked).rejects.toMatchObject({ code: 'BUSY' })
})

test('nobody waits any longer when the node stops', async () => {
  const world = new World()
  const asked = world.calls.ask(ASKED, 1_000)
  world.stop()
  await expect(asked).rejects.toMatchObject({ code: 'CALL_TIMEOUT', certain: false })
})

/** A node whose time the test moves. */
class World {
  nowMs = 0
  sleepCount = 0
  readonly answers: PromiseWithResolvers<ReplicaReply>[] = []
  #sleeping: { readonly dueMs: number; readonly woken: PromiseWithResolvers<void> }[] = []
  readonly calls: LocalCalls

  constructor() {
    const now = (): number => this.nowMs
    const env = {
      self: 'us',
      get nowMs() {
        return now()
      },
      sleep: (delayMs: number) => {
        this.sleepCount++
        const woken = Promise.withResolvers<void>()
        this.#sleeping.push({ dueMs: this.nowMs + delayMs, woken })
        return woken.promise
      },
    }
    const answer = (): Promise<ReplicaReply> => {
      const settle = Promise.withResolvers<ReplicaReply>()
      this.answers.push(settle)
      return settle.promise
    }
    this.calls = new LocalCalls(env, { answer })
  }

  async advance(byMs: number): Promise<void> {
    this.nowMs += byMs
    for (const { dueMs, woken } of this.#sleeping) if (dueMs <= this.nowMs) woken.resolve()
    this.#sleeping = this.#sleeping.filter(({ dueMs }) => dueMs > this.nowMs)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }

  stop(): void {
    for (const { woken } of this.#sleeping) woken.reject(new RoostError('CANCELLED', 'stopped'))
  }
}
