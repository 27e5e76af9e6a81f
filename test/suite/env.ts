import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerId, ProtocolHost } from '../../overlay/env/index.ts'
import { callPromises } from './env-calls.ts'
import { cryptoPromises } from './env-crypto.ts'
import { messagePromises } from './env-messages.ts'
import { timePromises } from './env-time.ts'

/**
 * The promises of `Env` and `CallEnv`, as `overlay/env/env.ts` writes them, each as a test that can fail. Every driver
 * passes this suite: whatever a protocol may rely on in the daemon holds in the simulator, and the other way round.
 *
 * What a driver brings is an `EnvWorld`. Left open on purpose, since the drivers differ: how long a message travels, whether
 * it arrives twice, and whether `nowMs` stands still within a handler (it does in the simulator, in the daemon it may move);
 * both keep that it never runs back.
 */
export function envSuite(name: string, makeWorld: () => Promise<EnvWorld>): void {
  describe(`Env, driven by ${name}`, () => {
    let current: EnvWorld | undefined
    const world = (): EnvWorld => current!
    beforeEach(async () => {
      current = await makeWorld()
    })
    afterEach(async () => {
      await current?.close()
      current = undefined
    })

    describe('messages', () => messagePromises(world))
    describe('time', () => timePromises(world))
    describe('crypto', () => cryptoPromises(world))
    describe('conversations', () => callPromises(world))

    test('every node has an id of its own', async () => {
      const nodes = [await world().addNode(() => {}), await world().addNode(() => {}), await world().addNode(() => {})]
      expect(new Set(nodes.map((node) => node.id)).size).toBe(3)
    })
  })
}

/** A few nodes that can reach each other, on one driver. */
export interface EnvWorld {
  /**
   * Starts a node: makes its key, calls `mount` once, and resolves when the node is reachable. Every node of the world can
   * reach every other by its id alone (the world tells them their addresses).
   */
  addNode(mount: (node: ProtocolHost) => void): Promise<RunningNode>
  /** A well-formed peer id that no node has. */
  stranger(): PeerId
  /** Lets at least `ms` of monotonic time pass, and does all that falls due in it. Kept below two seconds a test. */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass until `done` holds; fails with an error when it does not within the world's bound (a simulator: two
   * virtual minutes; a daemon: ten seconds). Also after a promise of a conversation has settled, `done` sees it.
   */
  until(done: () => boolean): Promise<void>
  /** Ends every node. Called after each test. */
  close(): Promise<void>
}

export interface RunningNode {
  readonly id: PeerId
  /** Gone without a word, as after a power cut. Its own timers and conversations may be dropped or cancelled. */
  crash(): Promise<void>
  /** Stopped in order: no handler and no timer runs afterwards, its open calls and sleeps are rejected with `CANCELLED`. */
  stop(): Promise<void>
}
