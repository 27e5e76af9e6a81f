import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mintDescriptor, type Descriptor, type PeerId } from '../../../overlay/index.ts'
import { Batch } from '../../../overlay/selection/batch.ts'
import { Cell } from '../../../overlay/selection/cell.ts'
import { EVERYONE, NOBODY } from '../../../overlay/selection/messages.ts'
import { Relay, type Told } from '../../../overlay/selection/relay.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const descriptors = peerIds(400).map((id) =>
  mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes: {} }, new HandEnv(id)),
)
const NEWS = descriptors[0]!
const { marks } = Batch.of(NEWS)

/** One member of a cell, that hands on what it hears. */
class Member {
  readonly own: Descriptor
  readonly relay: Relay
  hearings = 0

  constructor(own: Descriptor, members: readonly Descriptor[]) {
    this.own = own
    const cell = new Cell()
    for (const member of members) cell.put(member)
    this.relay = new Relay(cell, { countMax: 16 })
  }
}

function cellOf(count: number): Member[] {
  const all = descriptors.slice(1, count + 1)
  return all.map((own) => new Member(own, all))
}

/** Tells one member, lets everyone hand on what they hear until nothing is left, and gives all that was sent. */
function spread(members: readonly Member[], first: Member): Told[] {
  const byId = new Map<PeerId, Member>(members.map((member) => [member.own.peer, member]))
  const told: Told[] = []
  first.hearings = 1
  first.relay.tell(NEWS, marks[0]!, marks[1]!, EVERYONE)
  for (let fresh = [first]; fresh.length > 0;) {
    const next: Member[] = []
    for (const { own, relay } of fresh)
      for (const message of relay.take(own, 7)) {
        const hearer = byId.get(message.hearer)!
        told.push(message)
        if (++hearer.hearings > 1 || message.within === NOBODY) continue
        hearer.relay.tell(NEWS, marks[0]!, marks[1]!, message.within)
        next.push(hearer)
      }
    fresh = next
  }
  return told
}

describe('news', () => {
  test('law: reaches everyone in a cell, at about one message for each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), (count, at) => {
        const members = cellOf(count)
        const told = spread(members, members[at % count]!)
        expect(members.filter(({ hearings }) => hearings === 0)).toEqual([])
        expect(told.length).toBeLessThanOrEqual(count + 32)
      }),
      { numRuns: 30 },
    )
  })

  test('is sent by nobody to many: the first tells a head for each part, and a head its part', () => {
    const members = cellOf(400)
    const first = members[3]!
    first.relay.tell(NEWS, marks[0]!, marks[1]!, EVERYONE)
    expect(first.relay.take(first.own, 0).length).toBeLessThanOrEqual(32 + 45)
  })

  test('of many at once goes out together, and beyond the bound it is left to the exchanges', () => {
    const [member] = cellOf(100) as [Member]
    for (const descriptor of descriptors.slice(200, 220)) {
      const batch = Batch.of(descriptor)
      member.relay.tell(descriptor, batch.placeAt(0), batch.hashAt(0), EVERYONE)
    }
    const told = member.relay.take(member.own, 0)
    for (const { batch } of told) expect(batch.count).toBe(16)
    expect(member.relay.take(member.own, 0)).toEqual([])
  })
})
