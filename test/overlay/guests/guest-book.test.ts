import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestBook } from '../../../overlay/guests/guest-book.ts'
import { peerIds } from '../descriptor/hand-env.ts'
import { heldVisitOf } from './support.ts'

const visits = peerIds(60).flatMap((peer) => [heldVisitOf(peer, 1), heldVisitOf(peer, 2)])
const all = (): boolean => true

function bookOf(some: readonly (typeof visits)[number][], countMax = 1_000): GuestBook {
  const book = new GuestBook({ countMax })
  for (const visit of some) book.put(visit)
  return book
}

describe('a book of guests', () => {
  test('law: two that exchange what differs hold the same', () => {
    const subset = fc.shuffledSubarray(visits)
    fc.assert(
      fc.property(subset, subset, (some, others) => {
        const [one, other] = [bookOf(some), bookOf(others)]
        const differing = other.differing(one.summary(all), all)
        const { ours, theirs } = one.compare([...differing.keys()], [...differing.values()].flat(), all)
        for (const visit of other.withHashes(theirs)) one.put(visit)
        for (const visit of ours) other.put(visit)
        expect(one.summary(all)).toEqual(other.summary(all))
        expect(one.differing(other.summary(all), all).size).toBe(0)
        expect(one.count).toBe(new Set([...some, ...others]).size)
      }),
    )
  })

  test('holds a visit once, and those of two terms beside each other', () => {
    const book = new GuestBook({ countMax: 10 })
    expect(book.put(visits[0]!)).toBe('new')
    expect(book.put(visits[0]!)).toBe('old')
    expect(book.put(visits[1]!)).toBe('new')
    expect(book.count).toBe(2)
  })

  test('takes nobody in when it is full', () => {
    const book = bookOf(visits.slice(0, 10), 10)
    expect(book.put(visits[10]!)).toBe('full')
    expect(book.count).toBe(10)
  })

  test('law: only those stay who are to', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(visits), (some) => {
        const book = bookOf(some)
        book.keepOnly((key, term) => term === 1 && key > 0)
        for (const visit of some) {
          const { peer } = visit.descriptor
          expect(book.has(peer, visit.key, visit.term)).toBe(visit.term === 1 && visit.key > 0)
        }
      }),
    )
  })

  test('compares the part of it that is asked for', () => {
    const [one, other] = [bookOf(visits), bookOf(visits.filter(({ key }) => key > 0))]
    expect(
      other.differing(
        one.summary((key) => key > 0),
        (key) => key > 0,
      ).size,
    ).toBe(0)
  })
})
