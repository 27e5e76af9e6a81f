import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cell, keyOf, mintDescriptor, seededRng, type Descriptor, type PeerId } from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const ids = peerIds(600)
const all = [0, 1, 2, 3].map((sequence) => ids.map((id) => descriptorOf(id, sequence)))

function descriptorOf(id: PeerId, sequence: number): Descriptor {
  return mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id))
}

const change = fc.record({ node: fc.nat(599), sequence: fc.nat(3), remove: fc.boolean() })

describe('a cell', () => {
  test('law: holds the newest word of each that was put and not removed, and finds it', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
        const cell = new Cell()
        const model = new Map<PeerId, Descriptor>()
        for (const { node, sequence, remove } of changes) {
          const descriptor = all[sequence]![node]!
          const known = model.get(descriptor.peer)
          if (remove) {
            expect(cell.remove(descriptor.peer)).toBe(known)
            model.delete(descriptor.peer)
          } else {
            const isNews = known === undefined || sequence > known.sequence
            expect(cell.put(descriptor)).toBe(known === undefined ? 'new' : isNews ? 'newer' : 'old')
            if (isNews) model.set(descriptor.peer, descriptor)
          }
        }
        expect(cell.count).toBe(model.size)
        for (const id of ids) expect(cell.get(id)).toBe(model.get(id))
      }),
    )
  })

  test('law: two cells that hold the same have the same summary, whatever happened before', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const lived = new Cell()
        for (const { node, sequence, remove } of changes)
          if (remove) lived.remove(ids[node]!)
          else lived.put(all[sequence]![node]!)
        const fresh = new Cell()
        for (const descriptor of lived.descriptors()) fresh.put(descriptor)
        expect(fresh.differing(lived.summary())).toEqual([])
        expect(fresh.part(() => true).summary()).toEqual(lived.summary())
      }),
    )
  })

  test('law: hashes in the buckets that differ tell just what one of two has not, or has in an older word', () => {
    const holding = fc.array(fc.record({ node: fc.nat(99), sequence: fc.nat(3) }), { maxLength: 150 })
    fc.assert(
      fc.property(holding, holding, (ours, theirs) => {
        const [one, other] = [ours, theirs].map((held) => {
          const cell = new Cell()
          for (const { node, sequence } of held) cell.put(all[sequence]![node]!)
          return cell
        }) as [Cell, Cell]
        const buckets = one.differing(other.summary())
        const compared = one.compare(buckets, other.hashesIn(buckets))
        const missing = (cell: Cell, from: Cell): Descriptor[] =>
          cell.descriptors().filter(({ peer, sequence }) => from.get(peer)?.sequence !== sequence)
        expect(new Set(compared.ours.descriptors)).toEqual(new Set(missing(one, other)))
        expect(new Set(other.withHashes(compared.theirs).descriptors)).toEqual(new Set(missing(other, one)))
      }),
    )
  })

  test('law: its parts hold every member once, each in the part of its key', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), fc.nat(5), (changes, bits) => {
        const cell = new Cell()
        for (const { node } of changes) cell.put(all[1]![node]!)
        const parts = Array.from({ length: 1 << bits }, (_, part) => cell.partAt(part, bits))
        expect(parts.flat()).toEqual(cell.descriptors())
        for (const part of parts) for (const member of part) expect(cell.partOf(keyOf(member), bits)).toEqual(part)
      }),
    )
  })

  test('gives up those who do not stay, and is the cell of the others', () => {
    const cell = new Cell()
    for (const descriptor of all[1]!) cell.put(descriptor)
    const gone = cell.keepOnly(({ peer }) => ids.indexOf(peer) < 100)
    expect(gone.length).toBe(500)
    const fresh = new Cell()
    for (const descriptor of all[1]!.slice(0, 100)) fresh.put(descriptor)
    expect(cell.summary()).toEqual(fresh.summary())
    expect(cell.get(ids[99]!)).toBe(all[1]![99])
    expect(cell.get(ids[100]!)).toBeUndefined()
  })

  test('picks each member about as often', () => {
    const cell = new Cell()
    for (const descriptor of all[1]!.slice(0, 20)) cell.put(descriptor)
    const rng = seededRng(3)
    const counts = new Map<PeerId, number>()
    for (let draw = 0; draw < 4_000; draw++) {
      const { peer } = cell.pick(rng)!
      counts.set(peer, (counts.get(peer) ?? 0) + 1)
    }
    expect(counts.size).toBe(20)
    expect(Math.min(...counts.values())).toBeGreaterThan(130)
  })

  test('a few members on either side are near a peer, whether it is one or not', () => {
    const cell = new Cell()
    for (const descriptor of all[1]!.slice(0, 50)) cell.put(descriptor)
    const near = (peer: PeerId): number => ids.slice(0, 50).filter((one) => cell.distance(peer, one) <= 2).length
    for (const peer of ids.slice(0, 60)) {
      expect(near(peer)).toBeGreaterThanOrEqual(4)
      expect(near(peer)).toBeLessThanOrEqual(5)
    }
  })
})
