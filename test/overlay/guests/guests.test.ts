import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commonPrefix,
  guestKey,
  Guests,
  GUESTS_DEFAULTS,
  guestsWire,
  keyOf,
  peerKey,
  prefixMatches,
  Terms,
  type Descriptor,
  type GuestsEvent,
  type GuestsMessage,
  type GuestsTimer,
  type HomeCell,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'
import { checker, descriptorOf, visitOf } from './support.ts'

const DEPTH = 4
const terms = new Terms(GUESTS_DEFAULTS)
const drawn = peerIds(3_000)
/** One who is guest elsewhere, now and next. */
const self = drawn.find((peer) => {
  const term = terms.at(peerKey(peer), new HandEnv(peer).wallMs)
  return [term, term + 1].every((one) => !prefixMatches(guestKey(peerKey(peer), one), peerKey(peer), DEPTH))
})!
const ids = [self, ...drawn.filter((peer) => peer !== self)]
const members = ids.filter((peer) => commonPrefix(peerKey(peer), peerKey(self)) >= DEPTH)
const { wallMs } = new HandEnv(self)

/** Whose term it is to be guest in the cell of `self`, or to be elsewhere. */
function isGuest(peer: string, term = terms.at(peerKey(peer), wallMs)): boolean {
  return prefixMatches(guestKey(peerKey(peer), term), peerKey(self), DEPTH)
}
const termOf = (peer: string): number => terms.at(peerKey(peer), wallMs)
const guests = ids.slice(1).filter((peer) => isGuest(peer))
const strangers = ids.slice(1).filter((peer) => !isGuest(peer) && !members.includes(peer))

function homeOf(fields: Partial<HomeCell> = {}): HomeCell {
  return {
    ownKey: peerKey(self),
    depth: DEPTH,
    isSettled: true,
    isReady: () => true,
    encloses: (key) => prefixMatches(key, peerKey(self), DEPTH),
    members: () => members.map((peer) => descriptorOf(peer)),
    contacts: () => [],
    ...fields,
  }
}

class Played {
  readonly env = new HandEnv<GuestsMessage, GuestsTimer, GuestsEvent>(self)
  readonly guests: Guests

  constructor(home: Partial<HomeCell> = {}, seeds: readonly string[] = []) {
    this.guests = new Guests({
      own: () => descriptorOf(self),
      checker,
      onAddress: () => {},
      home: homeOf(home),
      strangers: () => seeds.map((peer) => ({ peer, addresses: [] })),
    })
    this.guests.start(this.env)
  }

  say(from: string, message: GuestsMessage): readonly { to: string; message: GuestsMessage }[] {
    this.env.takeSent()
    this.guests.receive(from, guestsWire.parse(message), this.env)
    return this.env.takeSent()
  }

  visit(peer: string, term = termOf(peer)): readonly { to: string; message: GuestsMessage }[] {
    return this.say(peer, { type: 'visit', round: 1, visit: visitOf(peer, term) })
  }

  advance(ms: number): void {
    this.env.advance(ms, (timer) => this.guests.wake(timer, this.env))
  }

  get refusals(): readonly string[] {
    return this.env.events.flatMap((event) => (event.type === 'refused' ? [event.reason] : []))
  }
}

function viewOf({ guests: played, env }: Played): readonly Descriptor[] {
  return played.view(env) ?? []
}

/** All who should be guests now have come, by word of a member. */
function filled(played = new Played()): Played {
  for (let start = 0; start < guests.length; start += 16) {
    const visits = guests.slice(start, start + 16).map((peer) => visitOf(peer, termOf(peer)))
    played.say(members[1 + ((start / 16) % 40)]!, { type: 'give', visits })
  }
  return played
}

describe('a member', () => {
  test('welcomes who is guest in its cell, and tells other members', () => {
    const played = new Played()
    const [guest] = guests
    expect(played.visit(guest!)).toEqual([{ to: guest, message: { type: 'welcome', round: 1 } }])
    expect(played.env.events).toEqual([{ type: 'came', descriptor: descriptorOf(guest!) }])
    played.advance(GUESTS_DEFAULTS.pushMs)
    const pushed = played.env.takeSent().filter(({ message }) => message.type === 'push')
    expect(pushed.length).toBe(GUESTS_DEFAULTS.pushFanout)
    for (const { to } of pushed) expect(members).toContain(to)
  })

  test('names those who are nearer to who is guest elsewhere', () => {
    const played = filled()
    const stranger = strangers[5]!
    const [answer] = played.visit(stranger)
    const place = guestKey(peerKey(stranger), termOf(stranger))
    if (answer?.message.type !== 'refer') throw new Error('no referral')
    expect(answer.message.descriptors.length).toBeGreaterThan(0)
    for (const descriptor of answer.message.descriptors)
      expect(commonPrefix(keyOf(descriptor), place)).toBeGreaterThan(commonPrefix(peerKey(self), place))
    expect(played.guests.state(played.env).guestCount).toBe(guests.length)
  })

  test('passes on what it is told of, and what it asked for to nobody', () => {
    const played = new Played()
    const [one, other] = guests as [string, string]
    played.say(members[3]!, { type: 'push', visits: [visitOf(one, termOf(one))] })
    played.say(members[4]!, { type: 'give', visits: [visitOf(other, termOf(other))] })
    played.advance(GUESTS_DEFAULTS.pushMs)
    const passed = played.env.takeSent().flatMap(({ message }) => (message.type === 'push' ? message.visits : []))
    expect(new Set(passed.map(({ descriptor }) => descriptor.peer))).toEqual(new Set([one]))
    expect(played.guests.state(played.env).guestCount).toBe(2)
  })

  test('two of them level what they hold', () => {
    const [one, other] = [filled(), new Played()]
    const [summary] = other.say(members[5]!, {
      type: 'summary',
      key: peerKey(members[5]!),
      depth: DEPTH - 1,
      digests: [],
      wallMs,
    })
    // Its cell is coarser than ours: it is shown ours.
    expect(summary!.message.type).toBe('summary')
    const [holdings] = one.say(members[5]!, summary!.message)
    const asked = other
      .say(members[6]!, holdings!.message)
      .flatMap(({ message }) => (message.type === 'want' ? one.say(members[5]!, message) : []))
    for (const { message } of asked) other.say(members[6]!, message)
    expect(other.guests.state(other.env).guestCount).toBe(Math.min(guests.length, 128))
  })

  test('forgets who is guest no more', () => {
    const played = filled()
    played.advance(2 * GUESTS_DEFAULTS.termMs)
    expect(played.guests.state(played.env).guestCount).toBe(0)
  })
})

describe('what is refused', () => {
  test('a visit in the name of somebody else', () => {
    const played = new Played()
    const [guest, other] = guests as [string, string]
    played.say(other, { type: 'visit', round: 1, visit: visitOf(guest, termOf(guest)) })
    expect(played.refusals).toEqual(['not-own'])
  })

  test('a visit that its node did not sign, whoever brings it', () => {
    const played = new Played()
    const [guest, other] = guests as [string, string]
    const visit = { ...visitOf(guest, termOf(guest)), signature: visitOf(other, termOf(other)).signature }
    played.say(members[3]!, { type: 'push', visits: [visit] })
    played.say(guest, { type: 'visit', round: 1, visit })
    expect(played.refusals).toEqual(['forged', 'forged'])
    expect(played.guests.state(played.env).guestCount).toBe(0)
  })

  test('a visit of long ago under the number of this term', () => {
    const played = new Played()
    const [guest] = guests
    played.say(members[3]!, { type: 'push', visits: [{ ...visitOf(guest!, 7), term: termOf(guest!) }] })
    expect(played.refusals).toEqual(['forged'])
  })

  test('a visit that is paid in another year', () => {
    const played = new Played()
    const peer = guests[0]!
    const term = Array.from({ length: 1_000 }, (_, index) => termOf(peer) + 100 + index).find((one) =>
      isGuest(peer, one),
    )!
    expect(played.visit(peer, term)).toEqual([])
    expect(played.refusals).toEqual(['untimely'])
    expect(played.guests.state(played.env).guestCount).toBe(0)
  })

  test('more than a peer has a right to say', () => {
    const played = new Played()
    for (let round = 0; round < 200; round++) played.say(strangers[0]!, { type: 'check', round })
    expect(played.refusals.filter((reason) => reason === 'rate').length).toBeGreaterThan(100)
  })

  test('law: of whatever comes, those visits are held that have their place here and now, and no others', () => {
    const peer = fc.constantFrom(...ids.slice(1, 200))
    const visit = fc.record({ peer, away: fc.integer({ min: -2, max: 3 }) })
    const messages = fc.array(fc.record({ from: peer, visits: fc.array(visit, { maxLength: 8 }) }))
    fc.assert(
      fc.property(messages, (sent) => {
        const played = new Played()
        const held = new Set<string>()
        for (const { from, visits } of sent) {
          const told = visits.map((one) => visitOf(one.peer, termOf(one.peer) + one.away))
          played.say(from, { type: 'push', visits: told })
          for (const one of visits)
            if ((one.away === 0 || one.away === 1) && isGuest(one.peer, termOf(one.peer) + one.away))
              held.add(`${one.peer} ${one.away}`)
        }
        expect(played.guests.state(played.env).guestCount).toBe(held.size)
      }),
      { numRuns: 50 },
    )
  })
})

describe('the view', () => {
  test('is there once guests are, and not when only a tenth of them have come', () => {
    const played = new Played({ isReady: () => false })
    for (const guest of guests.slice(0, guests.length / 10)) played.visit(guest)
    expect(played.guests.view(played.env)).toBeUndefined()
    filled(played).advance(GUESTS_DEFAULTS.cycleMs)
    const view = viewOf(played)
    expect(view.length).toBeGreaterThan(15)
    for (const { peer } of view) expect(guests).toContain(peer)
  })

  test('is another for another node, and stays as it is while nobody comes or goes', () => {
    const [one, other] = [new Played(), new Played()]
    // Another secret.
    other.guests.start(other.env)
    for (const played of [one, other]) filled(played).advance(GUESTS_DEFAULTS.cycleMs)
    expect(viewOf(one)).toEqual(viewOf(one))
    expect(new Set(viewOf(one))).not.toEqual(new Set(viewOf(other)))
  })

  test('has no guest who has come early, however many do', () => {
    const played = filled()
    const early = ids.filter((peer) => !isGuest(peer) && isGuest(peer, termOf(peer) + 1)).slice(0, 100)
    for (const peer of early) played.visit(peer, termOf(peer) + 1)
    for (const { peer } of viewOf(played)) expect(early).not.toContain(peer)
  })

  test('loses who is silent twice, and nobody who answers', () => {
    const played = filled()
    const silent = new Set(viewOf(played).slice(0, 3))
    for (let second = 0; second < 60; second++) {
      played.advance(1_000)
      for (const { to, message } of played.env.takeSent())
        if (message.type === 'check' && ![...silent].some(({ peer }) => peer === to))
          played.guests.receive(to, { type: 'alive', round: message.round }, played.env)
    }
    for (const descriptor of viewOf(played)) expect(silent).not.toContain(descriptor)
    const gone = played.env.events.flatMap((event) => (event.type === 'silent' ? [event.peer] : []))
    expect(new Set(gone)).toEqual(new Set([...silent].map(({ peer }) => peer)))
  })

  test('is of members where the grid is one cell', () => {
    const played = new Played({ depth: 0, encloses: () => true })
    expect(viewOf(played).length).toBe(GUESTS_DEFAULTS.viewSize)
    for (const { peer } of viewOf(played)) expect(members).toContain(peer)
    expect(viewOf(played).map(({ peer }) => peer)).not.toContain(self)
  })
})

describe('a visitor', () => {
  test('goes from node to node until three say welcome, and asks no more', () => {
    const played = filled()
    const welcomed: string[] = []
    const place = guestKey(peerKey(self), termOf(self))
    const nearby = ids.filter((peer) => commonPrefix(peerKey(peer), place) >= DEPTH && peer !== self)
    for (let second = 0; second < 30; second++) {
      played.advance(1_000)
      for (const { to, message } of played.env.takeSent())
        if (message.type === 'visit' && message.visit.term === termOf(self)) {
          if (nearby.includes(to)) {
            welcomed.push(to)
            played.guests.receive(to, { type: 'welcome', round: message.round }, played.env)
          } else
            played.guests.receive(
              to,
              {
                type: 'refer',
                round: message.round,
                descriptors: nearby.slice(0, 8).map((peer) => descriptorOf(peer)),
              },
              played.env,
            )
        }
    }
    expect(new Set(welcomed).size).toBe(GUESTS_DEFAULTS.welcomeCount)
  })

  test('does not take the word of one who cannot know, and gives up after some tries', () => {
    const played = filled()
    const asked = new Set<string>()
    const liars = strangers.slice(0, 8).map((peer) => descriptorOf(peer))
    let visitsCount = 0
    for (let second = 0; second < 100; second++) {
      played.advance(1_000)
      for (const { to, message } of played.env.takeSent())
        if (message.type === 'visit' && message.visit.term === termOf(self)) {
          asked.add(to)
          visitsCount++
          const { round } = message
          const answer: GuestsMessage =
            visitsCount % 2 === 0
              ? { type: 'refer', round, descriptors: liars }
              : { type: 'refer', round, descriptors: [] }
          played.guests.receive(to, answer, played.env)
        }
    }
    expect(asked.size).toBeGreaterThan(GUESTS_DEFAULTS.welcomeCount)
    expect(visitsCount).toBeLessThanOrEqual(GUESTS_DEFAULTS.pathCountMax * (GUESTS_DEFAULTS.hopCountMax + 1))
  })

  test('who knows nobody asks those whom it joins through who is near', () => {
    const seeds = strangers.slice(0, 3)
    const played = new Played(
      { isSettled: false, isReady: () => false, depth: 0, members: () => [descriptorOf(self)] },
      seeds,
    )
    played.advance(1_000)
    const asked = played.env.takeSent().filter(({ message }) => message.type === 'ask')
    expect(new Set(asked.map(({ to }) => to))).toEqual(new Set(seeds))
    const { to, message } = asked[0]!
    if (message.type !== 'ask') throw new Error('not asked')
    const near = members.slice(1, 4).map((peer) => descriptorOf(peer))
    played.guests.receive(to, { type: 'refer', round: message.round, descriptors: near }, played.env)
    const met = played.env.events.flatMap((event) => (event.type === 'met' ? [event.descriptor] : []))
    expect(met).toEqual(near)
  })

  test('an answer counts once, from who was asked', () => {
    const played = new Played({ isSettled: false, isReady: () => false }, strangers.slice(0, 3))
    played.advance(1_000)
    const { to, message } = played.env.takeSent().find((sent) => sent.message.type === 'ask')!
    const round = (message as { round: number }).round
    const descriptors = [descriptorOf(members[2]!)]
    played.guests.receive(strangers[9]!, { type: 'refer', round, descriptors }, played.env)
    expect(played.env.events).toEqual([])
    played.guests.receive(to, { type: 'refer', round, descriptors }, played.env)
    played.guests.receive(to, { type: 'refer', round, descriptors }, played.env)
    expect(played.env.events.length).toBe(1)
  })
})
