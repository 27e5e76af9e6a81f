import { expect, test } from 'vitest'
import type { Protocol } from '../../overlay/env/index.ts'
import { addProbe, Probe, noteWire, type Note } from './env-probe.ts'
import type { EnvWorld } from './env.ts'

/** What a protocol may rely on about clocks and timers. */
export function timePromises(world: () => EnvWorld): void {
  test('a timer never fires early, and fires once', async () => {
    const { probe } = await addProbe(world())
    const setAtMs = probe.env.nowMs
    const delays = [0, 1, 2.5, 7, 20, 61, 200]
    for (const delayMs of delays) probe.env.wakeAfter(delayMs, delayMs)
    await world().until(() => probe.woken.length >= delays.length)
    await world().advance(50)
    expect(probe.woken.map((entry) => entry.timer).toSorted((a, b) => a - b)).toEqual(delays)
    for (const { timer, atMs } of probe.woken) expect(atMs - setAtMs).toBeGreaterThanOrEqual(timer)
  })

  test('a timer set within start fires', async () => {
    const probe = new Probe()
    await world().addNode((node) => {
      const early: Protocol<Note, number, string> = {
        start: (env) => env.wakeAfter(5, 42),
        receive: (from, note, env) => probe.receive(from, note, env),
        wake: (timer, env) => probe.wake(timer, env),
      }
      node.mount(noteWire, early, () => {})
    })
    await world().until(() => probe.woken.length === 1)
    expect(probe.woken[0]!.timer).toBe(42)
  })

  test('the shorter of two timers set together fires first', async () => {
    const { probe } = await addProbe(world())
    probe.env.wakeAfter(150, 2)
    probe.env.wakeAfter(30, 1)
    await world().until(() => probe.woken.length === 2)
    expect(probe.woken.map((entry) => entry.timer)).toEqual([1, 2])
  })

  test('no timer fires and no message arrives after the node was stopped', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    bob.probe.env.wakeAfter(100, 1)
    ada.probe.env.send(bob.id, { text: 'early' })
    await bob.node.stop()
    const heardCount = bob.probe.received.length
    ada.probe.env.send(bob.id, { text: 'late' })
    await world().advance(300)
    expect(bob.probe.woken).toEqual([])
    expect(bob.probe.received.length).toBe(heardCount)
  })

  test('a stopped protocol that sends, sets a timer or emits harms nobody', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    await bob.node.stop()
    bob.probe.env.send(ada.id, { text: 'from beyond' })
    bob.probe.env.wakeAfter(1, 1)
    bob.probe.env.emit('haunting')
    await world().advance(100)
    expect(ada.probe.received).toEqual([])
    expect(bob.probe.woken).toEqual([])
    expect(bob.probe.events).toEqual([])
  })

  test('monotonic time never runs back, and moves on between handlers', async () => {
    const { probe } = await addProbe(world())
    const seenMs: number[] = [probe.env.nowMs]
    probe.onWake = (timer, env) => {
      for (let look = 0; look < 5; look++) seenMs.push(env.nowMs)
      if (timer < 20) env.wakeAfter(5, timer + 1)
    }
    probe.env.wakeAfter(5, 1)
    await world().until(() => probe.woken.length === 20)
    for (let index = 1; index < seenMs.length; index++)
      expect(seenMs[index]!).toBeGreaterThanOrEqual(seenMs[index - 1]!)
    expect(seenMs.at(-1)! - seenMs[0]!).toBeGreaterThanOrEqual(100)
  })

  test('wall time is Unix time in milliseconds, as far as it can be told', async () => {
    const { probe } = await addProbe(world())
    expect(probe.env.wallMs).toBeGreaterThan(Date.UTC(2020))
    expect(probe.env.wallMs).toBeLessThan(Date.UTC(2100))
  })

  test('chance is drawn within its bounds, and differs from node to node', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    const drawn = Array.from({ length: 100 }, () => ada.probe.env.rng.next())
    for (const value of drawn) expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true)
    for (let draw = 0; draw < 100; draw++) {
      expect([0, 1, 2]).toContain(ada.probe.env.rng.below(3))
      expect(ada.probe.env.rng.real()).toBeLessThan(1)
    }
    expect(new Set(Array.from({ length: 200 }, () => ada.probe.env.rng.below(3)))).toEqual(new Set([0, 1, 2]))
    expect(Array.from({ length: 100 }, () => bob.probe.env.rng.next())).not.toEqual(drawn)
  })
}
