import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mintDescriptor, seededRng, type Descriptor, type MemberState, type PeerId } from '../../../overlay/index.ts'
import { MemberTable } from '../../../overlay/membership/member-table.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const ids = peerIds(60)
const descriptors = new Map<string, Descriptor>()

function descriptorOf(id: PeerId, sequence = 1): Descriptor {
  const key = `${id} ${sequence}`
  if (!descriptors.has(key))
    descriptors.set(key, mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id)))
  return descriptors.get(key)!
}

function tableOf(count: number): MemberTable {
  const table = new MemberTable({ countMax: 1_000 })
  for (const id of ids.slice(0, count)) table.set(descriptorOf(id), 'alive', 1, 0)
  return table
}

const state = fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left')
const peer = fc.constantFrom(...ids)
const step = fc.oneof(
  fc.record({
    do: fc.constant('set' as const),
    peer,
    state,
    sequence: fc.integer({ min: 1, max: 3 }),
    later: fc.nat(2),
  }),
  fc.record({ do: fc.constant('remove' as const), peer }),
  fc.record({ do: fc.constant('probe' as const) }),
)

test('law: whatever is set, removed and probed, the table says what a plain map would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new MemberTable({ countMax: 1_000 })
      const model = new Map<PeerId, { state: MemberState; sequence: number; descriptor: Descriptor; sinceMs: number }>()
      const rng = seededRng(1)
      for (const [index, each] of steps.entries()) {
        const nowMs = index * 1_000
        if (each.do === 'set') {
          const before = model.get(each.peer)
          const descriptor = descriptorOf(each.peer, each.sequence)
          const sequence = each.sequence + each.later
          const sinceMs = before?.state === each.state ? before.sinceMs : nowMs
          expect(table.isNews(descriptor)).toBe(before === undefined || each.sequence > before.sequence)
          expect(table.set(descriptor, each.state, sequence, nowMs).before).toBe(before?.state)
          model.set(each.peer, { state: each.state, sequence, descriptor, sinceMs })
        } else if (each.do === 'remove') {
          expect(table.remove(each.peer)).toBe(model.delete(each.peer))
        } else {
          const next = table.nextToProbe(rng)
          const isLiving = ['alive', 'suspect'].includes(model.get(next ?? '')?.state ?? '')
          expect(isLiving || next === undefined).toBe(true)
        }
      }
      const living = [...model].filter(([, { state }]) => state === 'alive' || state === 'suspect')
      expect(table.livingCount).toBe(living.length)
      expect(table.goneCount).toBe(model.size - living.length)
      expect(new Map([...table.all()].map(({ peer, ...rest }) => [peer, rest]))).toEqual(model)
      for (const id of ids) {
        const expected = model.get(id)
        expect(table.get(id)).toEqual(expected && { peer: id, ...expected })
        expect(table.isLiving(id)).toBe(living.some(([peer]) => peer === id))
      }
      expect(table.draw(100, rng).toSorted()).toEqual(living.map(([peer]) => peer).toSorted())
      const dead = [...model].filter(([, { state }]) => state === 'dead').map(([peer]) => peer)
      expect(dead.length === 0 ? [undefined] : dead).toContain(table.drawDead(rng))
    }),
    { numRuns: 60 },
  )
})

describe('a round of probes', () => {
  test('has everyone once, whoever dies or comes in between', () => {
    const table = tableOf(40)
    const rng = seededRng(3)
    const probed: PeerId[] = []
    for (let turn = 0; turn < 15; turn++) probed.push(table.nextToProbe(rng)!)
    const gone = [
      probed[0]!,
      probed[7]!,
      ...ids
        .slice(0, 40)
        .filter((id) => !probed.includes(id))
        .slice(0, 3),
    ]
    for (const id of gone) table.set(descriptorOf(id), 'dead', 1, 0)
    for (const id of ids.slice(40, 45)) table.set(descriptorOf(id), 'alive', 1, 0)
    while (probed.length < 15 + 25 - 3 + 5) probed.push(table.nextToProbe(rng)!)
    expect(new Set(probed).size).toBe(probed.length)
    expect(new Set(probed)).toEqual(new Set(ids.slice(0, 45).filter((id) => !gone.slice(2).includes(id))))
  })

  test('has another order each time', () => {
    const table = tableOf(40)
    const rng = seededRng(3)
    const round = (): PeerId[] => Array.from({ length: 40 }, () => table.nextToProbe(rng)!)
    const first = round()
    const second = round()
    expect(second).not.toEqual(first)
    expect(second.toSorted()).toEqual(first.toSorted())
  })
})

test('members drawn are different, of those wanted, and each as likely', () => {
  const table = tableOf(60)
  table.set(descriptorOf(ids[0]!), 'suspect', 1, 0)
  const rng = seededRng(5)
  const times = new Map<PeerId, number>()
  for (let turn = 0; turn < 4_000; turn++) {
    const drawn = table.draw(3, rng, (peer, state) => state === 'alive' && peer !== ids[1])
    expect(new Set(drawn).size).toBe(3)
    for (const id of drawn) times.set(id, (times.get(id) ?? 0) + 1)
  }
  expect(times.has(ids[0]!) || times.has(ids[1]!)).toBe(false)
  expect(times.size).toBe(58)
  // 4,000 draws of three among 58: about 207 each, with a deviation of 14.
  for (const count of times.values()) expect(Math.abs(count - 207)).toBeLessThan(75)
})

test('everyone can be removed while going through all', () => {
  const table = tableOf(60)
  for (const id of ids.slice(10, 30)) table.set(descriptorOf(id), 'dead', 1, 0)
  for (let turn = 0; turn < 20; turn++) table.nextToProbe(seededRng(turn))
  const seen: PeerId[] = []
  for (const { peer } of table.all()) {
    seen.push(peer)
    if (seen.length % 3 !== 0) table.remove(peer)
  }
  expect(seen.toSorted()).toEqual(ids.toSorted())
  expect(table.count).toBe(20)
})

test('the gone are told by how long they are gone', () => {
  const table = tableOf(5)
  for (const [index, id] of ids.slice(0, 4).entries()) table.set(descriptorOf(id), 'dead', 1, 1_000 * (4 - index))
  expect(table.longestGone()).toBe(ids[3])
  const { peers, nextSinceMs } = table.goneUntil(2_000)
  expect(peers.toSorted()).toEqual([ids[2], ids[3]].toSorted())
  expect(nextSinceMs).toBe(3_000)
})
