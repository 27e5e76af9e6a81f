import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mintDescriptor, seededRng, type Descriptor } from '../../../overlay/index.ts'
import { Book, NOBODY } from '../../../overlay/sampling/book.ts'
import { Views } from '../../../overlay/sampling/views.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const SIZE = 5
const descriptors = peerIds(40).map((id) =>
  mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes: {} }, new HandEnv(id)),
)

/** One of three views, between two that hold somebody and are to be left alone. */
function made() {
  const book = new Book({ countMax: 100 })
  const views = new Views(book, { size: SIZE, count: 3 })
  const [before, row, after] = [views.open(0), views.open(1), views.open(2)] as const
  const others = [before, after] as const
  for (const other of others) views.merge(other, [book.numberOf(descriptors[39]!), 3], NOBODY, 0, 0)
  /** Whether it was taken. */
  const insert = (descriptor: Descriptor, age: number, end = 0): boolean =>
    views.merge(row, [book.numberOf(descriptor), age], NOBODY, 0, end) === 1
  return { book, views, row, others, insert }
}

describe('a view', () => {
  test('law: it never exceeds its size, holds nobody twice, keeps the later word, and is nobody else’s', () => {
    const entry = fc.record({ node: fc.nat(39), sequence: fc.integer({ min: 1, max: 3 }), age: fc.nat(9) })
    const message = fc.array(entry, { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(message), fc.nat(39), (messages, own) => {
        const { book, views, row, others } = made()
        const ownNumber = book.numberOf(descriptors[own]!)
        for (const given of messages) {
          const before = new Map(views.descriptors(row).map(({ peer, sequence }) => [peer, sequence]))
          const drawn = views.draw(row, 2, seededRng(given.length))
          const entries = given.flatMap(({ node, sequence, age }) => [
            book.numberOf({ ...descriptors[node]!, sequence }),
            age,
          ])
          views.merge(row, entries, ownNumber, 0, drawn.length / 2)
          for (const { peer, sequence } of views.descriptors(row))
            expect(sequence).toBeGreaterThanOrEqual(before.get(peer) ?? 0)
        }
        const peers = views.descriptors(row).map(({ peer }) => peer)
        expect(peers.length).toBeLessThanOrEqual(SIZE)
        expect(new Set(peers).size).toBe(peers.length)
        expect(peers).not.toContain(descriptors[own]!.peer)
        for (const other of others)
          expect(views.descriptors(other).map(({ peer }) => peer)).toEqual([descriptors[39]!.peer])
      }),
    )
  })

  test('says which of what was given it took, into empty slots and then for what was given away', () => {
    const { book, views, row } = made()
    const numbers = descriptors.slice(0, 10).map((descriptor) => book.numberOf(descriptor))
    const given = (...indices: readonly number[]): number[] => indices.flatMap((index) => [numbers[index]!, 0])
    expect(views.merge(row, given(0, 1, 0, 9, 2, 3), numbers[9]!, 0, 0)).toBe(0b110011)
    expect(views.merge(row, given(4, 1, 5, 6, 7), numbers[9]!, 0, 2)).toBe(0b01101)
    expect(views.numbers(row)).toEqual([5, 6, 2, 3, 4].map((index) => numbers[index]!))
  })

  test('offers to nobody else what it has lent, and keeps a slot for what is to come', () => {
    const { book, views, row, insert } = made()
    for (const descriptor of descriptors.slice(0, 4)) insert(descriptor, 0)
    const lent = views.lend(row, 2, seededRng(1))
    const drawn = views.draw(row, 9, seededRng(2))
    const offered = [...lent, ...drawn].filter((_, index) => index % 2 === 0).map((number) => book.at(number))
    expect(new Set(offered)).toEqual(new Set(descriptors.slice(0, 4)))
    expect(insert(descriptors[5]!, 0)).toBe(false)
    views.remove(row, lent[0]!)
    expect(views.settle(row)).toBe(1)
    expect(views.numbers(row)[0]).toBe(lent[2])
    expect(insert(descriptors[5]!, 0)).toBe(true)
  })

  test('gives whoever has been silent for the longest', () => {
    const { book, views, row, insert } = made()
    for (const [index, age] of [3, 9, 1].entries()) insert(descriptors[index]!, age)
    views.growOlder(row)
    insert(descriptors[1]!, 0)
    expect([views.takeOldest(row), views.takeOldest(row)].map((number) => book.at(number))).toEqual([
      descriptors[0],
      descriptors[2],
    ])
    expect(views.descriptors(row)).toEqual([descriptors[1]])
  })
})

describe('a book', () => {
  test('keeps the newest word of a peer and the one before, each under its number', () => {
    const book = new Book({ countMax: 10 })
    const words = [1, 2, 3, 4].map((sequence) => ({ ...descriptors[0]!, sequence }))
    const numbers = words.map((word) => book.numberOf(word))
    expect(book.at(numbers[3]!)).toBe(words[3])
    expect(book.at(numbers[2]!)).toBe(words[2])
    expect(book.later(numbers[2]!, numbers[3]!)).toBe(numbers[3])
    expect(book.numberOf(words[0]!)).toBe(numbers[3])
    expect(book.peerAt(numbers[0]!)).toBe(descriptors[0]!.peer)
  })

  test('takes nobody in beyond its bound, and has room again for whom it need not keep', () => {
    const book = new Book({ countMax: 3 })
    const numbers = descriptors.slice(0, 3).map((descriptor) => book.numberOf(descriptor))
    expect(book.numberOf(descriptors[3]!)).toBe(book.find(descriptors[3]!.peer))
    expect(book.room).toBe(0)
    book.keepOnly(new Set([numbers[1]!]))
    expect(book.room).toBe(2)
    expect(book.find(descriptors[0]!.peer)).toBe(book.find('nobody'))
    expect(book.at(book.numberOf(descriptors[3]!))).toBe(descriptors[3])
    expect(book.at(numbers[1]!)).toBe(descriptors[1])
  })
})
