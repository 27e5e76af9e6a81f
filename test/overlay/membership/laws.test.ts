import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEMBERSHIP_DEFAULTS, type PeerId } from '../../../overlay/index.ts'
import { Simulation } from '../../../sim/engine/index.ts'
import { addGroup } from './group.ts'

const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const REPLAY = `ROOST_SEED=${FRESH_SEED} npx vitest run test/overlay/membership/laws.test.ts`
const COUNT = 30

/** Whom any other takes for dead though it is up, and since when. */
class Slanders {
  readonly #sinceMs = new Map<string, number>()
  longestMs = 0
  readonly victims = new Set<PeerId>()

  hear(observer: PeerId, peer: PeerId, isDead: boolean, nowMs: number): void {
    const key = `${observer} ${peer}`
    const sinceMs = this.#sinceMs.get(key)
    if (isDead) {
      this.victims.add(peer)
      if (sinceMs === undefined) this.#sinceMs.set(key, nowMs)
    } else if (sinceMs !== undefined) {
      this.longestMs = Math.max(this.longestMs, nowMs - sinceMs)
      this.#sinceMs.delete(key)
    }
  }

  end(nowMs: number): void {
    for (const sinceMs of this.#sinceMs.values()) this.longestMs = Math.max(this.longestMs, nowMs - sinceMs)
  }
}

function slandered(simulation: Simulation): { ids: readonly PeerId[]; slanders: Slanders } {
  const slanders = new Slanders()
  const { ids } = addGroup(simulation, COUNT, (observer, event) => {
    if (event.type === 'changed')
      slanders.hear(observer, event.member.peer, event.member.state === 'dead', simulation.nowMs)
  })
  return { ids, slanders }
}

describe('who lives', () => {
  test(`law: is never dead to anybody for long, at up to 20 % loss (${REPLAY})`, async () => {
    for (const lossShare of [0.05, 0.1, 0.2]) {
      const simulation = new Simulation({ seed: FRESH_SEED, lossShare, replay: REPLAY })
      const { slanders } = slandered(simulation)
      await simulation.run(180_000)
      slanders.end(simulation.nowMs)
      // Everybody speaks with everybody once a round of probes, so two rounds set right what gossip missed.
      expect(slanders.longestMs).toBeLessThan(2 * COUNT * MEMBERSHIP_DEFAULTS.probeMs)
      if (lossShare <= 0.05) expect(slanders.victims.size).toBe(0)
    }
  })

  test('is not taken for dead by nodes that are slow', async () => {
    const simulation = new Simulation({ seed: FRESH_SEED, lossShare: 0.01, replay: REPLAY })
    const { ids, slanders } = slandered(simulation)
    const slow = ids.slice(0, 3)
    for (const id of slow) simulation.network.slow(id, 10)
    await simulation.run(180_000)
    for (const id of slow) slanders.victims.delete(id)
    expect(slanders.victims).toEqual(new Set())
  })

  test.each(['held', 'lost'] as const)(
    'is not taken for dead by nodes that stand still again and again (%s)',
    async (network) => {
      const simulation = new Simulation({ seed: FRESH_SEED, lossShare: 0.01, replay: REPLAY })
      const { ids, slanders } = slandered(simulation)
      const still = ids.slice(0, 3)
      for (let turn = 0; turn < 12; turn++) {
        for (const id of still) simulation.pause(id, network)
        await simulation.run(2_000 + 1_000 * (turn % 5))
        for (const id of still) simulation.resume(id)
        await simulation.run(7_000)
      }
      for (const id of still) slanders.victims.delete(id)
      expect(slanders.victims).toEqual(new Set())
    },
  )
})

test(`law: who is killed is dead to all within the bound (${REPLAY})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(0xffff), fc.integer({ min: 3, max: 40 }), async (seed, size) => {
      const simulation = new Simulation({ seed, lossShare: 0.01 })
      const { ids, memberships } = addGroup(simulation, size, () => {})
      await simulation.run(5_000)
      const victim = ids[seed % size]!
      simulation.crash(victim)
      await simulation.run(15_000)
      for (const id of ids)
        if (id !== victim)
          expect([...memberships.get(id)!.members()].map(({ peer, state }) => [peer === victim, state])).toEqual(
            [...memberships.get(id)!.members()].map(({ peer }) => [
              peer === victim,
              peer === victim ? 'dead' : 'alive',
            ]),
          )
    }),
    { numRuns: 10, seed: FRESH_SEED | 0 },
  )
})
