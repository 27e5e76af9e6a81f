import { expect, test } from 'vitest'
import { addOutlaw, addProbe, deliver, NOTE_BYTES_MAX, noteWire, Probe } from './env-probe.ts'
import type { EnvWorld } from './env.ts'

/** What a protocol may rely on when it sends, receives and emits. */
export function messagePromises(world: () => EnvWorld): void {
  test('a message arrives at the peer it was sent to, with the name of its sender', async () => {
    const [ada, bob, eve] = [await addProbe(world()), await addProbe(world()), await addProbe(world())]
    await deliver(world(), ada.probe.env, bob, 'hello')
    expect(bob.probe.received[0]!.from).toBe(ada.id)
    expect(bob.probe.received[0]!.note).toEqual({ text: 'hello' })
    expect(eve.probe.received).toEqual([])
    expect(ada.probe.received).toEqual([])
  })

  test('a protocol is started once, before anything reaches it, and knows its own name', async () => {
    const ada = await addProbe(world())
    expect(ada.probe.startedCount).toBe(1)
    expect(ada.probe.env.self).toBe(ada.id)
  })

  test('an answer sent from within a handler arrives', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    bob.probe.onReceive = (note, from, env) => env.send(from, { text: `${note.text} too`, count: 7 })
    await deliver(world(), ada.probe.env, bob, 'hello')
    await world().until(() => ada.probe.received.length > 0)
    expect(ada.probe.received[0]).toMatchObject({ from: bob.id, note: { text: 'hello too', count: 7 } })
  })

  test('a message is parsed on its way in: fields that the wire does not know are gone', async () => {
    const [bob, outlaw] = [await addProbe(world()), await addOutlaw(world())]
    await world().advance(10)
    outlaw.env.send(bob.id, { text: 'dressed', extra: true })
    await world().until(() => bob.probe.received.length > 0)
    expect(bob.probe.received[0]!.note).toEqual({ text: 'dressed' })
  })

  test('what cannot be parsed is not delivered, and what follows it is', async () => {
    const [bob, outlaw] = [await addProbe(world()), await addOutlaw(world())]
    for (const garbage of [null, 7, 'text', [], {}, { text: 7 }, { text: 'x', count: -1 }, new Uint8Array(9)])
      outlaw.env.send(bob.id, garbage)
    outlaw.env.send(bob.id, { text: 'proper' })
    await world().until(() => bob.probe.received.length > 0)
    await world().advance(100)
    expect(new Set(bob.probe.texts)).toEqual(new Set(['proper']))
  })

  test('a message beyond its bound is not delivered, harms nobody, and what follows it is delivered', async () => {
    const [ada, bob, outlaw] = [await addProbe(world()), await addProbe(world()), await addOutlaw(world())]
    expect(() => ada.probe.env.send(bob.id, { text: 'x'.repeat(NOTE_BYTES_MAX) })).not.toThrow()
    outlaw.env.send(bob.id, { text: 'x'.repeat(NOTE_BYTES_MAX) })
    await deliver(world(), ada.probe.env, bob, 'short')
    outlaw.env.send(bob.id, { text: 'also short' })
    await world().until(() => bob.probe.texts.includes('also short'))
    expect(bob.probe.texts.filter((text) => text.startsWith('x'))).toEqual([])
  })

  test('a message for a protocol that the other side does not speak harms nobody', async () => {
    const ada = await addProbe(world())
    const mute = await world().addNode(() => {})
    const bob = await addProbe(world())
    ada.probe.env.send(mute.id, { text: 'anybody there?' })
    await deliver(world(), ada.probe.env, bob, 'hello')
    expect(ada.probe.received).toEqual([])
  })

  test('two protocols on one node do not hear each other', async () => {
    const [left, right] = [new Probe(), new Probe()]
    const both = await world().addNode((node) => {
      node.mount(noteWire, left, () => {})
      node.mount({ ...noteWire, id: '/roost/test-other-note/1' }, right, () => {})
    })
    const ada = await addProbe(world())
    await deliver(world(), ada.probe.env, { node: both, probe: left, id: both.id }, 'for the left')
    await world().advance(50)
    expect(right.received).toEqual([])
  })

  test('sending to a dead peer or to nobody harms nobody', async () => {
    const [ada, bob, eve] = [await addProbe(world()), await addProbe(world()), await addProbe(world())]
    await deliver(world(), ada.probe.env, bob, 'before')
    await bob.node.crash()
    const heard = bob.probe.received.length
    ada.probe.env.send(bob.id, { text: 'after' })
    ada.probe.env.send(world().stranger(), { text: 'who are you' })
    await deliver(world(), ada.probe.env, eve, 'still here')
    expect(bob.probe.received.length).toBe(heard)
  })

  test('a message to oneself is refused by an assert', async () => {
    const ada = await addProbe(world())
    expect(() => ada.probe.env.send(ada.id, { text: 'me' })).toThrow()
  })

  test('no handler begins before the one before it has ended', async () => {
    const [ada, bob] = [await addProbe(world()), await addProbe(world())]
    let budgetCount = 200
    for (const { probe } of [ada, bob])
      probe.onReceive = (_, from, env) => {
        if (budgetCount-- <= 0) return
        env.wakeAfter(0, 1)
        env.emit('heard')
        env.send(from, { text: 'again' })
      }
    await deliver(world(), ada.probe.env, bob, 'go')
    await world().until(() => budgetCount <= 0)
    await world().advance(20)
    expect(ada.probe.reenteredCount + bob.probe.reenteredCount).toBe(0)
    expect(ada.probe.woken.length + bob.probe.woken.length).toBeGreaterThan(100)
  })

  test('events reach the host in order, after the handler that emitted them has returned', async () => {
    const ada = await addProbe(world())
    let emittedInHandlerCount = 0
    ada.probe.onWake = (_, env) => {
      for (const event of ['first', 'second', 'third']) env.emit(event)
      emittedInHandlerCount = ada.probe.events.length
    }
    const busyAtEvent: boolean[] = []
    ada.probe.onEvent = () => busyAtEvent.push(ada.probe.busy)
    ada.probe.env.wakeAfter(1, 1)
    await world().until(() => ada.probe.events.length === 3)
    expect(ada.probe.events).toEqual(['first', 'second', 'third'])
    expect(emittedInHandlerCount).toBe(0)
    expect(busyAtEvent).toEqual([false, false, false])
  })

  test('an event emitted while the host calls the protocol is told once that call has returned', async () => {
    const ada = await addProbe(world())
    ada.probe.env.emit('first')
    ada.probe.env.emit('second')
    expect(ada.probe.events).toEqual([])
    await world().until(() => ada.probe.events.length === 2)
    expect(ada.probe.events).toEqual(['first', 'second'])
  })
}
