import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mintDescriptor, seededRng, type Descriptor } from '../../../overlay/index.ts'
import { Book } from '../../../overlay/sampling/book.ts'
import { View, viewWordCount } from '../../../overlay/sampling/view.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const SIZE = 5
const descriptors = peerIds(40).map((id) =>
  mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes: {} }, new HandEnv(id)),
)

/** A view in the middle of others, whose rows it must leave alone. */
function made(): {
  view: View
  book: Book
  words: Int32Array
  insert: (descriptor: Descriptor, age: number) => string
} {
  const book = new Book({ countMax: 100 })
  const rowWords = viewWordCount(SIZE)
  const words = new Int32Array(3 * rowWords).fill(7)
  const view = new View({ words, base: rowWords, book }, { size: SIZE })
  return { view, book, words, insert: (descriptor, age) => view.insert(book.numberOf(descriptor), age) }
}

describe('a view', () => {
  test('law: it never exceeds its size, holds nobody twice, and keeps the later word', () => {
    const entries = fc.array(fc.record({ node: fc.nat(39), sequence: fc.integer({ min: 1, max: 3 }), age: fc.nat(9) }))
    fc.assert(
      fc.property(entries, (inserted) => {
        const { view, book, words } = made()
        for (const { node, sequence, age } of inserted) {
          const before = new Map(view.descriptors().map((descriptor) => [descriptor.peer, descriptor.sequence]))
          view.draw(2, seededRng(node))
          const number = book.numberOf({ ...descriptors[node]!, sequence })
          if (view.insert(number, age) === 'full') view.replaceAt(view.lentCount, number, age)
          for (const { peer, sequence: now } of view.descriptors())
            expect(now).toBeGreaterThanOrEqual(before.get(peer) ?? 0)
        }
        const peers = view.descriptors().map((descriptor) => descriptor.peer)
        expect(peers.length).toBeLessThanOrEqual(SIZE)
        expect(new Set(peers).size).toBe(peers.length)
        const rowWords = viewWordCount(SIZE)
        expect(words.subarray(0, rowWords).every((word) => word === 7)).toBe(true)
        expect(words.subarray(2 * rowWords).every((word) => word === 7)).toBe(true)
      }),
    )
  })

  test('offers to nobody else what it has lent, and keeps a slot for what is to come', () => {
    const { view, book, insert } = made()
    for (const descriptor of descriptors.slice(0, 4)) insert(descriptor, 0)
    const lent = view.lend(2, seededRng(1))
    const drawn = view.draw(9, seededRng(2))
    const offered = [...lent, ...drawn].filter((_, index) => index % 2 === 0).map((number) => book.at(number))
    expect(new Set(offered)).toEqual(new Set(descriptors.slice(0, 4)))
    expect(insert(descriptors[5]!, 0)).toBe('full')
    view.remove(lent[0]!)
    expect(view.settle()).toBe(1)
    expect(view.numbers()[0]).toBe(lent[2])
    expect(insert(descriptors[5]!, 0)).toBe('taken')
  })

  test('gives whoever has been silent for the longest', () => {
    const { view, book, insert } = made()
    for (const [index, age] of [3, 9, 1].entries()) insert(descriptors[index]!, age)
    view.growOlder()
    insert(descriptors[1]!, 0)
    expect([view.takeOldest(), view.takeOldest()].map((number) => book.at(number))).toEqual([
      descriptors[0],
      descriptors[2],
    ])
    expect(view.descriptors()).toEqual([descriptors[1]])
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
