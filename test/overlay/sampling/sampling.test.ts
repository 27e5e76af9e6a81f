import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DescriptorChecker,
  mintDescriptor,
  RateLimit,
  RoostError,
  Sampling,
  samplingWire,
  seededRng,
  keyOf,
  type Descriptor,
  type Entries,
  type PeerId,
  type SamplingEvent,
  type SamplingMessage,
  type SamplingTimer,
} from '../../../overlay/index.ts'
import { Reserve } from '../../../overlay/sampling/reserve.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

type TestEnv = HandEnv<SamplingMessage, SamplingTimer, SamplingEvent>

const ids = peerIds(40)
const descriptors = ids.map((id) => descriptorOf(id))

function descriptorOf(id: PeerId, sequence = 1): Descriptor {
  const addresses = [`/ip4/127.0.0.1/tcp/${1 + ids.indexOf(id)}`]
  return mintDescriptor({ name: 'n', sequence, addresses, attributes: {} }, new HandEnv(id))
}

function sampler(options: ConstructorParameters<typeof Sampling>[1] = {}): {
  env: TestEnv
  sampling: Sampling
  pass: (ms: number) => void
  reached: PeerId[]
} {
  const env: TestEnv = new HandEnv(ids[0]!)
  const reached: PeerId[] = []
  const sampling = new Sampling(
    { own: () => descriptors[0]!, checker: new DescriptorChecker(), onAddress: (peer) => reached.push(peer) },
    options,
  )
  sampling.start(env)
  return { env, sampling, reached, pass: (ms) => env.advance(ms, (timer) => sampling.wake(timer, env)) }
}

function entriesOf(...others: readonly Descriptor[]): Entries {
  return { descriptors: others, marks: others.flatMap((descriptor) => [keyOf(descriptor), 0]) }
}

function contactOf(descriptor: Descriptor): { peer: PeerId; addresses: readonly string[] } {
  return { peer: descriptor.peer, addresses: descriptor.addresses }
}

/** A sampler that has just taken in these peers, from the first of them. */
function withView(others: readonly Descriptor[], options: ConstructorParameters<typeof Sampling>[1] = {}) {
  const made = sampler({ ...options, seeds: [contactOf(others[0]!)] })
  const [greeting] = made.env.takeSent()
  made.sampling.receive(
    others[0]!.peer,
    {
      type: 'shuffle-reply',
      round: greeting!.message.round,
      ...entriesOf(...others),
    },
    made.env,
  )
  made.env.events = []
  return made
}

describe('the reserve', () => {
  test('comes back from the disk as it was', () => {
    const reserve = new Reserve({ countMax: 10 })
    for (const descriptor of descriptors.slice(0, 4)) reserve.keep(contactOf(descriptor))
    const restored = new Reserve({ countMax: 10 })
    restored.restore(structuredClone(reserve.snapshot()))
    expect(restored.snapshot()).toEqual(reserve.snapshot())
  })

  test('drops who was heard of longest ago when it is full', () => {
    const reserve = new Reserve({ countMax: 2 })
    for (const index of [0, 1, 0, 2]) reserve.keep(contactOf(descriptors[index]!))
    expect(
      reserve
        .draw(9, seededRng(1))
        .map(({ peer }) => peer)
        .toSorted(),
    ).toEqual([ids[0]!, ids[2]!].toSorted())
  })

  test('takes nothing of a damaged file', () => {
    const reserve = new Reserve({ countMax: 2 })
    expect(() => reserve.restore([contactOf(descriptors[0]!), { peer: 7 }])).toThrow(RoostError)
    expect(() => reserve.restore('x')).toThrow(RoostError)
  })
})

describe('the rate limit', () => {
  test('allows a burst, then one an interval', () => {
    const limit = new RateLimit({ intervalMs: 100, burstCount: 3 })
    const allowed = (nowMs: number): boolean => limit.allows('a', nowMs)
    expect([0, 0, 0, 0, 99, 100, 100].map(allowed)).toEqual([true, true, true, false, false, true, false])
    expect(limit.allows('b', 100)).toBe(true)
  })
})

describe('sampling', () => {
  test('greets its seeds, with its own descriptor and addresses known first', () => {
    const { env, reached } = sampler({ seeds: [contactOf(descriptors[1]!)] })
    expect(env.sent).toEqual([{ to: ids[1], message: { type: 'shuffle', round: 1, ...entriesOf(descriptors[0]!) } }])
    expect(reached).toEqual([ids[1]])
  })

  test('tries seeds and reserve for ever while its view is empty, ever more rarely', () => {
    const { env, pass } = sampler({ seeds: [contactOf(descriptors[1]!)], reserve: [contactOf(descriptors[2]!)] })
    pass(60_000)
    const early = env.takeSent()
    expect(new Set(early.map(({ to }) => to))).toEqual(new Set([ids[1], ids[2]]))
    pass(24 * 3_600_000)
    const late = env.takeSent().length
    expect(late).toBeGreaterThan((2 * 24 * 3_600_000) / 15_000 / 2)
    expect(late / 86_400).toBeLessThan(early.length / 60)
  })

  test('answers a shuffle with what it holds and learns who asked', () => {
    const { env, sampling } = withView(descriptors.slice(1, 6))
    sampling.receive(ids[9]!, { type: 'shuffle', round: 77, ...entriesOf(descriptors[9]!) }, env)
    const [reply] = env.takeSent()
    expect(reply).toMatchObject({ to: ids[9], message: { type: 'shuffle-reply', round: 77 } })
    expect(reply!.message.descriptors.length).toBeGreaterThan(1)
    expect(sampling.view()).toContain(descriptors[9])
    expect(env.events).toContainEqual({ type: 'heard', descriptors: [descriptors[9]], from: ids[9] })
  })

  test('asks another within the same cycle when one is silent, and drops the silent one', () => {
    const { env, sampling, pass } = withView(descriptors.slice(1, 6), { firstCycleCount: 0, cycleMs: 5_000 })
    pass(1_000)
    const [first] = env.takeSent()
    pass(1_000)
    const [second] = env.takeSent()
    expect(second!.to).not.toBe(first!.to)
    expect(sampling.view().map(({ peer }) => peer)).not.toContain(first!.to)
    expect(env.events).toContainEqual({ type: 'silent', peer: first!.to })
    pass(3_000)
    expect(env.takeSent().length).toBe(2)
  })

  test('takes no reply that it did not ask for, and each only once', () => {
    const { env, sampling, pass } = withView(descriptors.slice(1, 6))
    pass(1_000)
    const [asked] = env.takeSent()
    const reply = { type: 'shuffle-reply', round: asked!.message.round, ...entriesOf(descriptors[20]!) } as const
    sampling.receive(ids[30]!, reply, env)
    sampling.receive(asked!.to, { ...reply, round: 999 }, env)
    expect(sampling.view()).not.toContain(descriptors[20])
    sampling.receive(asked!.to, reply, env)
    expect(sampling.view()).toContain(descriptors[20])
    sampling.forget(ids[20]!, 'dead')
    sampling.receive(asked!.to, reply, env)
    expect(sampling.view()).not.toContain(descriptors[20])
  })

  test('refuses forged descriptors, and a peer that pushes too often', () => {
    const { env, sampling } = withView(descriptors.slice(1, 6))
    const forged = { ...descriptors[9]!, name: 'other' }
    sampling.receive(ids[9]!, { type: 'shuffle', round: 1, ...entriesOf(forged) }, env)
    expect(env.events).toEqual([{ type: 'refused', peer: ids[9], reason: 'forged' }])
    for (let round = 0; round < 100; round++) sampling.receive(ids[9]!, { type: 'shuffle', round, ...entriesOf() }, env)
    expect(env.takeSent().length).toBeLessThan(10)
    expect(env.events.at(-1)).toEqual({ type: 'refused', peer: ids[9], reason: 'rate' })
  })

  test('answers all who ask, but learns from a few in a cycle once its view is full', () => {
    const { env, sampling } = withView(descriptors.slice(1, 9), { viewSize: 8 })
    for (const [index, id] of ids.slice(20, 36).entries())
      sampling.receive(id, { type: 'shuffle', round: 1, ...entriesOf(descriptors[20 + index]!) }, env)
    expect(env.takeSent().length).toBe(16)
    const learned = sampling.view().filter(({ peer }) => ids.indexOf(peer) >= 20)
    expect(learned.length).toBeLessThan(8)
  })

  test('a key that is not that of its descriptor is refused, and so is an age too many', () => {
    const message = { type: 'shuffle', round: 1, ...entriesOf(descriptors[1]!) }
    expect(samplingWire.parse(message)).toEqual(message)
    for (const marks of [[keyOf(descriptors[2]!), 0], [keyOf(descriptors[1]!), -1], [], [keyOf(descriptors[1]!), 0, 0]])
      expect(() => samplingWire.parse({ ...message, marks })).toThrow(RoostError)
  })

  test('hands on what others hold for its own descriptor, and never views itself', () => {
    const { env, sampling } = withView(descriptors.slice(1, 3))
    const ownNewer = descriptorOf(ids[0]!, 50)
    sampling.receive(ids[1]!, { type: 'shuffle', round: 1, ...entriesOf(ownNewer) }, env)
    expect(env.events).toContainEqual({ type: 'heard', descriptors: [ownNewer], from: ids[1] })
    expect(sampling.view().map(({ peer }) => peer)).not.toContain(ids[0])
  })

  test('asks for its reserve to be stored at once while it knows a few, and forgets who left', () => {
    const { env, sampling, pass } = withView(descriptors.slice(1, 6))
    const storedCount = (): number => env.events.filter(({ type }) => type === 'reserve-changed').length
    pass(60_000)
    const settledCount = storedCount()
    pass(60_000)
    expect(storedCount()).toBe(settledCount)
    sampling.remember(descriptors[7]!, env)
    expect(storedCount()).toBe(settledCount + 1)
    // The second within a moment waits.
    sampling.remember(descriptors[8]!, env)
    expect(storedCount()).toBe(settledCount + 1)
    pass(10_000)
    expect(storedCount()).toBe(settledCount + 2)
    sampling.forget(ids[2]!, 'left')
    expect(JSON.stringify(sampling.snapshot())).not.toContain(ids[2])
    expect(JSON.stringify(sampling.snapshot())).toContain(ids[3])
  })

  test('law: anything is a message or a typed error, and no message harms', () => {
    const { env, sampling } = withView(descriptors.slice(1, 6))
    const wellFormed = fc
      .array(fc.tuple(fc.constantFrom(...descriptors), fc.nat(70_000)), { maxLength: 20 })
      .map((pairs) => ({
        type: 'shuffle',
        round: 1,
        descriptors: pairs.map(([descriptor]) => descriptor),
        marks: pairs.flatMap(([descriptor, age]) => [keyOf(descriptor), age]),
      }))
    const message = fc.record({
      type: fc.constantFrom('shuffle', 'shuffle-reply', 'other'),
      round: fc.oneof(fc.integer(), fc.anything()),
      descriptors: fc.oneof(fc.array(fc.oneof(fc.constantFrom(...descriptors), fc.anything())), fc.anything()),
      marks: fc.oneof(fc.array(fc.oneof(fc.integer(), fc.anything())), fc.anything()),
    })
    fc.assert(
      fc.property(fc.oneof(wellFormed, message, fc.anything()), fc.constantFrom(...ids.slice(1)), (value, from) => {
        try {
          sampling.receive(from, samplingWire.parse(value), env)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_MALFORMED' })
        }
        expect(sampling.view().length).toBeLessThanOrEqual(20)
      }),
    )
  })
})
