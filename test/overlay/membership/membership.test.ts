import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DescriptorChecker,
  Membership,
  membershipWire,
  mintDescriptor,
  type Descriptor,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipTimer,
  type PeerId,
  type Update,
} from '../../../overlay/index.ts'
import { suspicionTimeoutMs } from '../../../overlay/membership/suspicions.ts'
import { UpdateQueue } from '../../../overlay/membership/updates.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const ids = peerIds(30)
const [self, alice, bob] = ids as [PeerId, PeerId, PeerId]

function descriptorOf(id: PeerId, sequence = 1): Descriptor {
  return mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id))
}

/** Counts what it is asked to verify. */
class CountingChecker extends DescriptorChecker {
  count = 0

  override check(...asked: Parameters<DescriptorChecker['check']>): ReturnType<DescriptorChecker['check']> {
    this.count++
    return super.check(...asked)
  }
}

function watcher(
  others: readonly PeerId[],
  options: ConstructorParameters<typeof Membership>[1] = {},
  mayWatch: (peer: PeerId) => boolean = () => true,
) {
  const checker = new CountingChecker()
  const env = new HandEnv<MembershipMessage, MembershipTimer, MembershipEvent>(self)
  let own = descriptorOf(self, 10)
  const membership = new Membership(
    {
      own: () => own,
      renewAbove: (sequence) => (own = descriptorOf(self, Math.max(sequence, own.sequence) + 1)),
      checker,
      onAddress: () => {},
      mayWatch: (peer) => mayWatch(peer),
    },
    options,
  )
  membership.start(env)
  for (const other of others) membership.learn(descriptorOf(other), env)
  env.events = []
  return {
    env,
    membership,
    checker,
    own: () => own,
    hear: (from: PeerId, message: MembershipMessage) => membership.receive(from, message, env),
    gossip: (from: PeerId, ...updates: Update[]) => membership.receive(from, { type: 'gossip', updates }, env),
    pass: (ms: number) => env.advance(ms, (timer) => membership.wake(timer, env)),
    state: (peer: PeerId) => membership.get(peer)?.state,
    sentTo: (peer: PeerId) => env.sent.filter(({ to }) => to === peer).map(({ message }) => message),
  }
}

/** Lets time pass in small steps, in which those who live answer every ping. Gives all that was sent meanwhile. */
function passAnswering(side: ReturnType<typeof watcher>, ms: number, living: ReadonlySet<PeerId>): MembershipMessage[] {
  const seen: MembershipMessage[] = []
  for (let passed = 0; passed < ms; passed += 50) {
    side.pass(50)
    for (const { to, message } of side.env.takeSent()) {
      seen.push(message)
      if (message.type === 'ping' && living.has(to))
        side.hear(to, { type: 'ack', probe: message.probe, sequence: side.membership.get(to)!.sequence, updates: [] })
    }
  }
  return seen
}

const suspect = (peer: PeerId, sequence: number, from: PeerId): Update => ({ type: 'suspect', peer, sequence, from })
const dead = (peer: PeerId, sequence: number, from: PeerId): Update => ({ type: 'dead', peer, sequence, from })

function leaveOf(peer: PeerId, sequence: number): Update {
  const signature = new HandEnv(peer).crypto.sign('leave', { peer, sequence })
  return { type: 'left', peer, sequence, signature }
}

describe('probing', () => {
  test('a node that answers stays alive, each in its turn', () => {
    const side = watcher([alice, bob])
    passAnswering(side, 60_000, new Set([alice, bob]))
    expect([side.state(alice), side.state(bob)]).toEqual(['alive', 'alive'])
    expect(side.env.events).toEqual([])
  })

  test('a silent node is suspected after others tried too, and dead after its time', () => {
    const side = watcher([alice, bob])
    const sent = passAnswering(side, 11_400, new Set([bob]))
    expect(sent).toContainEqual(expect.objectContaining({ type: 'ping-for-me', target: alice }))
    expect(side.env.events.map((event) => event.type === 'changed' && [event.member.peer, event.member.state])).toEqual(
      [
        [alice, 'suspect'],
        [alice, 'dead'],
      ],
    )
  })

  test('a helper pings for another, and tells it yes or no', () => {
    const side = watcher([alice, bob])
    side.hear(alice, { type: 'ping-for-me', probe: 7, target: bob, updates: [] })
    const [ping] = side.sentTo(bob)
    expect(ping).toMatchObject({ type: 'ping' })
    side.hear(bob, { type: 'ack', probe: (ping as { probe: number }).probe, sequence: 1, updates: [] })
    expect(side.sentTo(alice).at(-1)).toMatchObject({ type: 'ack', probe: 7 })

    side.hear(alice, { type: 'ping-for-me', probe: 8, target: bob, updates: [] })
    side.pass(400)
    expect(side.sentTo(alice)).toContainEqual({ type: 'nack', probe: 8 })
  })

  test('an answer that comes after a helper said no is passed on too', () => {
    const side = watcher([alice, bob])
    side.hear(alice, { type: 'ping-for-me', probe: 7, target: bob, updates: [] })
    side.pass(500)
    expect(side.sentTo(alice)).toContainEqual({ type: 'nack', probe: 7 })
    const { probe } = side.sentTo(bob)[0] as { probe: number }
    side.hear(bob, { type: 'ack', probe, sequence: 1, updates: [] })
    expect(side.sentTo(alice).at(-1)).toMatchObject({ type: 'ack', probe: 7 })
  })

  test('an answer that a helper passes on after its no still counts', () => {
    const side = watcher([alice, bob], { probeMs: 100_000, probeTimeoutMs: 400 })
    side.membership.doubt(alice, side.env)
    side.pass(401)
    const { probe } = side.sentTo(bob).find(({ type }) => type === 'ping-for-me') as { probe: number }
    side.hear(bob, { type: 'nack', probe })
    side.hear(bob, { type: 'ack', probe, sequence: 1, updates: [] })
    side.pass(100_500)
    expect(side.env.events.filter((event) => event.type === 'changed' && event.member.peer === alice)).toEqual([])
  })

  test('a flood of requests to probe for others keeps nobody from its own', () => {
    const side = watcher([alice, bob, ...ids.slice(5)], { probeMs: 100_000, probeTimeoutMs: 400 })
    for (let probe = 0; probe < 1_000; probe++)
      side.hear(alice, { type: 'ping-for-me', probe, target: ids[5 + (probe % 20)]!, updates: [] })
    expect(side.env.takeSent().length).toBe(64)
    side.membership.doubt(bob, side.env)
    side.pass(1)
    expect(side.sentTo(bob)).toMatchObject([{ type: 'ping' }])
  })

  test('a helper says that it is here where it does not know the target', () => {
    const side = watcher([alice])
    side.hear(alice, { type: 'ping-for-me', probe: 7, target: bob, updates: [] })
    expect(side.env.takeSent()).toEqual([{ to: alice, message: { type: 'nack', probe: 7 } }])
  })

  test('a silent node is asked a second time while helpers try', () => {
    const side = watcher([alice, bob], { probeMs: 100_000, probeTimeoutMs: 400 })
    side.membership.doubt(alice, side.env)
    side.pass(401)
    const [first, second] = side.sentTo(alice)
    expect(second).toMatchObject({ type: 'ping', probe: (first as { probe: number }).probe })
    side.hear(alice, { type: 'ack', probe: (first as { probe: number }).probe, sequence: 1, updates: [] })
    side.pass(5_000)
    expect(side.env.events).toEqual([])
  })

  test('somebody who lost a connection has the peer probed at once', () => {
    const side = watcher(ids.slice(1), { probeMs: 100_000, probeTimeoutMs: 400 })
    side.membership.doubt(bob, side.env)
    side.pass(0)
    expect(side.sentTo(bob)[0]).toMatchObject({ type: 'ping' })
  })

  test.each(['tick first', 'tick last'])('a process that stood still buries nobody for it: %s', (order) => {
    const side = watcher([alice, bob])
    side.gossip(bob, suspect(alice, 1, bob))
    side.pass(1_000)
    // As after SIGSTOP: the clock has moved on, the timers come late and all at once.
    side.env.nowMs += 60_000
    const rank = (timer: MembershipTimer): number => (timer.type === 'tick' ? 0 : 1) * (order === 'tick first' ? 1 : -1)
    const late = side.env.timers.splice(0).toSorted((one, other) => rank(one.timer) - rank(other.timer))
    for (const { timer } of late) side.membership.wake(timer, side.env)
    expect([side.state(alice), side.state(bob)]).toEqual(['suspect', 'alive'])
    side.pass(500)
    expect(side.state(bob)).toBe('alive')
  })
})

describe('suspicion', () => {
  test('law: its time lies within its limits and shrinks with each confirmation', () => {
    const limits = { minMs: 1_000, maxMs: 6_000 }
    fc.assert(
      fc.property(fc.nat(10), fc.nat(10), (count, wanted) => {
        const timeoutMs = suspicionTimeoutMs(limits, { count, wanted })
        expect(timeoutMs).toBeGreaterThanOrEqual(limits.minMs)
        expect(timeoutMs).toBeLessThanOrEqual(limits.maxMs)
        expect(suspicionTimeoutMs(limits, { count: count + 1, wanted })).toBeLessThanOrEqual(timeoutMs)
        if (count >= wanted) expect(timeoutMs).toBe(limits.minMs)
      }),
    )
  })

  test('confirmations of several bury sooner than one voice does', () => {
    const buriedAfterMs = (voices: readonly PeerId[]): number => {
      const side = watcher(ids.slice(1), { probeMs: 1_000_000, probeTimeoutMs: 500_000 })
      for (const voice of voices) side.gossip(voice, suspect(alice, 1, voice))
      while (side.state(alice) === 'suspect') side.pass(100)
      return side.env.nowMs
    }
    const one = buriedAfterMs([ids[5]!])
    const same = buriedAfterMs([ids[5]!, ids[5]!, ids[5]!, ids[5]!])
    const several = buriedAfterMs(ids.slice(5, 9))
    expect(same).toBe(one)
    expect(several).toBeLessThan(one / 2)
  })

  test('ends when the suspect says something newer', () => {
    const side = watcher([alice, bob])
    side.gossip(bob, suspect(alice, 1, bob))
    expect(side.state(alice)).toBe('suspect')
    side.gossip(bob, { type: 'alive', descriptor: descriptorOf(alice, 2) })
    expect(side.state(alice)).toBe('alive')
    passAnswering(side, 30_000, new Set([alice, bob]))
    expect(side.state(alice)).toBe('alive')
  })

  test('of an older word, or of one never heard, is not taken', () => {
    const side = watcher([alice, bob])
    side.gossip(bob, { type: 'alive', descriptor: descriptorOf(alice, 5) })
    side.gossip(bob, suspect(alice, 4, bob), dead(alice, 6, bob))
    expect(side.state(alice)).toBe('alive')
  })

  test('law: no claim about a sequence number that was never heard takes a node for dead', () => {
    const claimed = fc.record({
      type: fc.constantFrom('suspect' as const, 'dead' as const),
      peer: fc.constantFrom(alice, bob),
      sequence: fc.oneof(
        fc.integer({ min: 6, max: 12 }),
        fc.maxSafeNat().map((number) => Math.max(6, number)),
      ),
      from: fc.constantFrom(...ids),
    })
    fc.assert(
      fc.property(fc.array(claimed, { maxLength: 40 }), (claims) => {
        const side = watcher([alice, bob])
        for (const peer of [alice, bob]) side.gossip(peer, { type: 'alive', descriptor: descriptorOf(peer, 5) })
        side.gossip(bob, ...claims)
        side.pass(50)
        expect([side.state(alice), side.state(bob)]).toEqual(['alive', 'alive'])
      }),
      { numRuns: 50 },
    )
  })

  test('is told to the suspect at once by who raises it', () => {
    const side = watcher([alice, bob])
    passAnswering(side, 200, new Set([bob]))
    side.membership.doubt(alice, side.env)
    side.pass(1_100)
    expect(side.state(alice)).toBe('suspect')
    expect(side.sentTo(alice)).toContainEqual({ type: 'gossip', updates: [suspect(alice, 1, self)] })
  })

  test('a suspected node is told so with the next ping', () => {
    const side = watcher([alice])
    side.gossip(bob, suspect(alice, 1, bob))
    side.pass(1_100)
    const ping = side.sentTo(alice).find((message) => message.type === 'ping')
    expect(ping).toMatchObject({ updates: [suspect(alice, 1, bob)] })
  })
})

describe('refutation', () => {
  test('who hears that it is suspected or dead contradicts with a higher number, to whoever said it too', () => {
    const side = watcher([alice, bob])
    side.gossip(alice, suspect(self, 10, bob))
    expect(side.own().sequence).toBe(11)
    expect(side.sentTo(alice)).toContainEqual({
      type: 'gossip',
      updates: [{ type: 'alive', descriptor: side.own() }],
    })
    side.gossip(alice, dead(self, 11, bob))
    expect(side.own().sequence).toBe(12)
  })

  test('claims about numbers that it never used do not make it burn its own', () => {
    const side = watcher([alice])
    side.gossip(alice, dead(self, 2 ** 53 - 1, alice))
    expect(side.own().sequence).toBe(10)
  })

  test('its own descriptor of a later life than it remembers takes it above that', () => {
    const side = watcher([alice])
    side.gossip(alice, { type: 'alive', descriptor: descriptorOf(self, 40) })
    expect(side.own().sequence).toBe(41)
  })
})

describe('leaving', () => {
  test('is announced, and nothing is answered afterwards', () => {
    const side = watcher([alice, bob])
    side.membership.leave(side.env)
    const goodbyes = side.env.takeSent()
    expect(goodbyes.map(({ to }) => to).toSorted()).toEqual([alice, bob].toSorted())
    expect(goodbyes[0]!.message).toMatchObject({ updates: [{ type: 'left', peer: self, sequence: 10 }] })
    side.hear(alice, { type: 'ping', probe: 1, sequence: 1, updates: [] })
    side.pass(10_000)
    expect(side.env.sent).toEqual([])
  })

  test('is believed of the node itself alone, at once, and not of its past', () => {
    const side = watcher([alice, bob])
    const { signature } = leaveOf(bob, 1) as { signature: Uint8Array }
    side.gossip(bob, { type: 'left', peer: alice, sequence: 1, signature })
    expect(side.state(alice)).toBe('alive')
    expect(side.env.events).toEqual([{ type: 'refused', peer: bob, reason: 'forged' }])
    side.gossip(bob, leaveOf(alice, 0))
    expect(side.state(alice)).toBe('alive')
    side.gossip(bob, leaveOf(alice, 1))
    expect(side.state(alice)).toBe('left')
    expect(side.env.events.at(-1)).toMatchObject({ type: 'changed', before: 'alive', member: { state: 'left' } })
  })

  test('a node is back with a higher number only', () => {
    const side = watcher([alice, bob])
    side.gossip(bob, leaveOf(alice, 5))
    expect(side.membership.learn(descriptorOf(alice, 5), side.env)).toBe(false)
    expect(side.membership.mayLive(descriptorOf(alice, 5))).toBe(false)
    expect(side.membership.learn(descriptorOf(alice, 6), side.env)).toBe(true)
    expect(side.state(alice)).toBe('alive')
  })
})

test('law: who left is back with a newer word only, whatever is said', () => {
  const word = fc.oneof(
    fc.record({
      type: fc.constantFrom('suspect' as const, 'dead' as const),
      sequence: fc.nat(9),
      from: fc.constantFrom(...ids),
    }),
    fc.record({ type: fc.constant('alive' as const), sequence: fc.nat(9) }),
    fc.record({ type: fc.constant('left' as const), sequence: fc.nat(9) }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      const side = watcher([alice, bob])
      side.gossip(bob, leaveOf(alice, 5))
      let goneAt: number | undefined = 5
      for (const said of words) {
        const { type, sequence } = said
        if (type === 'alive') side.gossip(bob, { type, descriptor: descriptorOf(alice, sequence) })
        else if (type === 'left') side.gossip(bob, leaveOf(alice, sequence))
        else side.gossip(bob, { type, peer: alice, sequence, from: said.from })
        if (type === 'alive' && goneAt !== undefined && sequence > goneAt) goneAt = undefined
        if (goneAt === undefined) break
        if (type === 'left') goneAt = Math.max(goneAt, sequence)
        expect(side.state(alice)).toBe('left')
      }
      if (goneAt === undefined) expect(side.state(alice)).toBe('alive')
    }),
    { numRuns: 100 },
  )
})

describe('whom nobody wants watched', () => {
  const strangers = peerIds(200)

  test('a flood of claims about unknown peers costs no memory, no message and no verification', () => {
    const side = watcher([alice, bob], {}, (peer) => peer === alice || peer === bob)
    side.env.takeSent()
    const timerCount = side.env.timers.length
    for (const peer of strangers) {
      const { signature } = leaveOf(peer, 1) as { signature: Uint8Array }
      side.gossip(bob, { type: 'alive', descriptor: descriptorOf(peer) }, suspect(peer, 1, bob), dead(peer, 1, bob), {
        type: 'left',
        peer,
        sequence: 1,
        signature,
      })
    }
    expect([...side.membership.members()].length).toBe(2)
    expect(side.env.events).toEqual([])
    expect(side.env.sent).toEqual([])
    expect(side.env.timers.length).toBe(timerCount)
    expect(side.checker.count).toBe(0)
  })

  test('a flood of living strangers fills the table and no more', () => {
    const side = watcher([alice, bob], { memberCountMax: 50 })
    for (const peer of strangers) side.gossip(bob, { type: 'alive', descriptor: descriptorOf(peer) })
    expect([...side.membership.members()].length).toBe(50)
    expect([side.state(alice), side.state(bob)]).toEqual(['alive', 'alive'])
  })

  test('a stranger that pings is answered, and not asked who it is', () => {
    const side = watcher([alice], {}, () => false)
    side.hear(bob, { type: 'ping', probe: 4, sequence: 1, updates: [] })
    expect(side.env.takeSent()).toEqual([
      { to: bob, message: { type: 'ack', probe: 4, sequence: side.own().sequence, updates: [] } },
    ])
  })

  test('is let go without being taken for dead, and is not probed any more', () => {
    let wanted = new Set(ids)
    const side = watcher([alice, bob], {}, (peer) => wanted.has(peer))
    side.gossip(bob, suspect(alice, 1, bob))
    side.env.events = []
    wanted = new Set([bob])
    expect(side.membership.isWatched(alice)).toBe(true)
    expect(side.membership.unwatch(alice, side.env)).toBe(true)
    expect(side.membership.unwatch(alice, side.env)).toBe(false)
    expect(side.env.events).toEqual([{ type: 'forgotten', peer: alice }])
    expect(side.membership.isWatched(alice)).toBe(false)
    expect(side.membership.mayLive(descriptorOf(alice))).toBe(true)
    expect(side.membership.learn(descriptorOf(alice, 2), side.env)).toBe(false)
    side.env.takeSent()
    passAnswering(side, 30_000, new Set([bob]))
    expect(side.env.events).toEqual([{ type: 'forgotten', peer: alice }])
    wanted.add(alice)
    expect(side.membership.learn(descriptorOf(alice, 2), side.env)).toBe(true)
    expect(side.membership.watchedCount).toBe(2)
  })
})

describe('the dead', () => {
  test('are remembered up to their bound, who died first is forgotten first', () => {
    const side = watcher(ids.slice(1, 12), { goneCountMax: 3 })
    for (const peer of ids.slice(1, 7)) {
      side.gossip(bob, dead(peer, 1, bob))
      passAnswering(side, 1_200, new Set(ids.slice(7)))
      expect([...side.membership.members()].filter(({ state }) => state === 'dead').length).toBeLessThanOrEqual(3)
    }
    const gone = [...side.membership.members()].filter(({ state }) => state === 'dead')
    expect(gone.map(({ peer }) => peer).toSorted()).toEqual(ids.slice(4, 7).toSorted())
  })

  test('are pinged now and then, told of their death when they answer, and live again when they refute', () => {
    const side = watcher([alice, bob])
    side.gossip(bob, dead(alice, 1, bob))
    side.env.takeSent()
    passAnswering(side, 2_000, new Set([bob]))
    side.pass(3_000)
    expect(side.sentTo(alice)[0]).toMatchObject({ type: 'ping' })
    side.env.takeSent()
    side.hear(alice, { type: 'ack', probe: 1, sequence: 1, updates: [] })
    expect(side.sentTo(alice)[0]).toMatchObject({ updates: [{ type: 'dead', peer: alice, sequence: 1 }] })
    side.gossip(alice, { type: 'alive', descriptor: descriptorOf(alice, 2) })
    expect(side.state(alice)).toBe('alive')
  })

  test('are all called one after another once one of them is back, since all may be', () => {
    const gone = ids.slice(3, 15)
    const side = watcher([alice, bob, ...gone])
    for (const peer of gone) side.gossip(bob, dead(peer, 1, bob))
    const living = new Set([alice, bob])
    const pingCountIn = (ms: number): number =>
      passAnswering(side, ms, living).filter(({ type }) => type === 'ping').length
    pingCountIn(60_000)
    // One a second is for the living.
    expect(pingCountIn(30_000)).toBeLessThan(40)
    let pingCount = 0
    for (const peer of gone) {
      side.gossip(bob, { type: 'alive', descriptor: descriptorOf(peer, 2) })
      living.add(peer)
      pingCount += pingCountIn(1_000)
    }
    expect(pingCount).toBeGreaterThan(1.6 * gone.length)
    expect(gone.map(side.state)).toEqual(gone.map(() => 'alive'))
  })

  test('are forgotten after their time', () => {
    const side = watcher([alice, bob], { rememberMs: 60_000 })
    side.gossip(bob, dead(alice, 1, bob))
    passAnswering(side, 59_000, new Set([bob]))
    expect(side.state(alice)).toBe('dead')
    passAnswering(side, 4_000, new Set([bob]))
    expect(side.state(alice)).toBeUndefined()
    expect(side.env.events.at(-1)).toEqual({ type: 'forgotten', peer: alice })
  })

  test('make room for newcomers when the table is full; the living do not', () => {
    const side = watcher([alice, bob], { memberCountMax: 2 })
    expect(side.membership.learn(descriptorOf(ids[3]!), side.env)).toBe(false)
    side.gossip(bob, dead(alice, 1, bob))
    expect(side.membership.learn(descriptorOf(ids[3]!), side.env)).toBe(true)
    expect(side.state(alice)).toBeUndefined()
  })
})

describe('who knows what', () => {
  test('a stranger that pings is asked who it is', () => {
    const side = watcher([])
    side.hear(alice, { type: 'ping', probe: 1, sequence: 3, updates: [] })
    expect(side.sentTo(alice)).toContainEqual({ type: 'introduce' })
    side.env.takeSent()
    side.hear(alice, { type: 'introduce' })
    expect(side.sentTo(alice)).toEqual([{ type: 'gossip', updates: [{ type: 'alive', descriptor: side.own() }] }])
  })

  test('a node that speaks under an older number than is known of it is given its newer word', () => {
    const side = watcher([])
    side.membership.learn(descriptorOf(alice, 9), side.env)
    side.hear(alice, { type: 'ping', probe: 1, sequence: 3, updates: [] })
    expect(side.sentTo(alice)).toContainEqual({
      type: 'gossip',
      updates: [{ type: 'alive', descriptor: descriptorOf(alice, 9) }],
    })
  })
})

describe('the queue of updates', () => {
  test('law: messages stay within their bounds, and each update goes out its share of times', () => {
    const updates = fc.uniqueArray(fc.record({ node: fc.nat(29), alive: fc.boolean() }), {
      selector: ({ node }) => node,
    })
    fc.assert(
      fc.property(updates, fc.integer({ min: 1, max: 5 }), (put, repeatsMax) => {
        const queue = new UpdateQueue({ countMax: 100 })
        for (const { node, alive } of put)
          queue.put(alive ? { type: 'alive', descriptor: descriptorOf(ids[node]!) } : suspect(ids[node]!, 1, self))
        let taken = 0
        for (let next = queue.take(repeatsMax); next.length > 0; next = queue.take(repeatsMax)) {
          expect(() => membershipWire.parse({ type: 'gossip', updates: next })).not.toThrow()
          taken += next.length
        }
        expect(taken).toBe(put.length * repeatsMax)
        expect(queue.count).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  test('holds one update a peer, and drops the most repeated when it is full', () => {
    const queue = new UpdateQueue({ countMax: 2 })
    queue.put(suspect(alice, 1, self))
    queue.take(9)
    queue.put(suspect(bob, 1, self))
    queue.put(dead(bob, 1, self))
    queue.put(suspect(ids[3]!, 1, self))
    expect(queue.take(9)).toEqual([dead(bob, 1, self), suspect(ids[3]!, 1, self)])
  })
})

test('law: anything is a message or a typed error, and no message harms', () => {
  const side = watcher(ids.slice(1, 10), { memberCountMax: 20 })
  const peer = fc.constantFrom(...ids)
  const update = fc.oneof(
    fc.record({ type: fc.constantFrom('suspect', 'dead'), peer, sequence: fc.nat(12), from: peer }),
    fc.record({ type: fc.constant('left'), peer, sequence: fc.nat(3), signature: fc.uint8Array({ maxLength: 70 }) }),
    fc.record({ type: fc.constant('alive'), descriptor: peer.map((id) => descriptorOf(id, 2)) }),
    fc.anything(),
  )
  const message = fc.record({
    type: fc.constantFrom('ping', 'ack', 'ping-for-me', 'nack', 'gossip', 'introduce', 'other'),
    probe: fc.oneof(fc.nat(20), fc.anything()),
    sequence: fc.oneof(fc.nat(20), fc.anything()),
    target: fc.oneof(peer, fc.anything()),
    updates: fc.oneof(fc.array(update, { maxLength: 14 }), fc.anything()),
  })
  fc.assert(
    fc.property(fc.oneof(message, fc.anything()), fc.constantFrom(...ids.slice(1)), fc.nat(500), (value, from, ms) => {
      side.pass(ms)
      try {
        side.hear(from, membershipWire.parse(value))
      } catch (error) {
        expect(error).toMatchObject({ code: 'MESSAGE_MALFORMED' })
      }
      expect([...side.membership.members()].length).toBeLessThanOrEqual(20)
    }),
    { numRuns: 300 },
  )
})
