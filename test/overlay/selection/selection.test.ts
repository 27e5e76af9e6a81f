import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Cell,
  DESCRIPTOR_CLOCK_TOLERANCE_MS,
  DescriptorChecker,
  mintDescriptor,
  Selection,
  selectionWire,
  type Descriptor,
  type PeerId,
  type SelectionEvent,
  type SelectionMessage,
  type SelectionTimer,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const ids = peerIds(600)

function descriptorOf(id: PeerId, sequence = 1): Descriptor {
  return mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id))
}

const descriptors = ids.map((id) => descriptorOf(id))

function selector(
  index: number,
  options: ConstructorParameters<typeof Selection>[1] = {},
  dead: ReadonlySet<PeerId> = new Set(),
) {
  const env = new HandEnv<SelectionMessage, SelectionTimer, SelectionEvent>(ids[index]!)
  const selection = new Selection(
    {
      own: () => descriptors[index]!,
      checker: new DescriptorChecker(),
      mayLive: (descriptor) => !dead.has(descriptor.peer),
    },
    options,
  )
  selection.start(env)
  return { env, selection, pass: (ms: number) => env.advance(ms, (timer) => selection.wake(timer, env)) }
}

type Side = ReturnType<typeof selector>

/** Carries what both say to each other until they have nothing left to say; counts messages. */
function talk(one: Side, other: Side): number {
  let count = 0
  for (;;) {
    const fromOne = one.env.takeSent().filter(({ to }) => to === other.env.self)
    const fromOther = other.env.takeSent().filter(({ to }) => to === one.env.self)
    if (fromOne.length + fromOther.length === 0) return count
    count += fromOne.length + fromOther.length
    for (const { message } of fromOne) other.selection.receive(one.env.self, selectionWire.parse(message), other.env)
    for (const { message } of fromOther) one.selection.receive(other.env.self, selectionWire.parse(message), one.env)
  }
}

const sorted = (selection: Selection): string[] => [...selection.members()].map((d) => `${d.peer} ${d.sequence}`).sort()

describe('a cell', () => {
  test('law: two cells that hold the same have the same summary, whatever happened before', () => {
    const change = fc.record({ node: fc.nat(30), sequence: fc.nat(3), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const lived = new Cell({ countMax: 100 })
        for (const { node, sequence, remove } of changes)
          if (remove) lived.remove(ids[node]!)
          else lived.put({ ...descriptors[node]!, sequence })
        const fresh = new Cell({ countMax: 100 })
        for (const descriptor of lived.descriptors()) fresh.put(descriptor)
        expect(fresh.differing(lived.summary())).toEqual([])
      }),
    )
  })

  test('takes later words, not older ones, and no newcomer when it is full', () => {
    const cell = new Cell({ countMax: 2 })
    expect(cell.put(descriptorOf(ids[0]!, 5))).toBe('kept')
    expect(cell.put(descriptorOf(ids[0]!, 5))).toBe('old')
    expect(cell.put(descriptorOf(ids[0]!, 4))).toBe('old')
    expect(cell.put(descriptors[1]!)).toBe('kept')
    expect(cell.put(descriptors[2]!)).toBe('full')
    expect(cell.put(descriptorOf(ids[0]!, 6))).toBe('kept')
    expect(cell.count).toBe(2)
  })
})

describe('selection', () => {
  test('pushes news to a few at once, and pushes nothing twice', () => {
    const { env, selection, pass } = selector(0)
    for (const descriptor of descriptors.slice(1, 20)) selection.learn(descriptor, env, { quietly: true })
    selection.receive(ids[1]!, { type: 'push', descriptors: [descriptors[50]!] }, env)
    selection.receive(ids[2]!, { type: 'push', descriptors: [descriptors[50]!] }, env)
    expect(env.events).toEqual([{ type: 'heard', descriptor: descriptors[50], from: ids[1] }])
    pass(20)
    const pushes = env.takeSent().filter(({ message }) => message.type === 'push')
    expect(pushes.length).toBe(4)
    expect(pushes[0]!.message).toEqual({ type: 'push', descriptors: [descriptors[50]] })
    pass(100)
    expect(env.takeSent().filter(({ message }) => message.type === 'push')).toEqual([])
  })

  test('says nothing to somebody who holds the same', () => {
    const [one, other] = [selector(0), selector(1)]
    for (const { env, selection } of [one, other])
      for (const descriptor of descriptors.slice(0, 20)) selection.learn(descriptor, env, { quietly: true })
    other.selection.receive(ids[0]!, { type: 'summary', digests: cellOf(one).summary() }, other.env)
    expect(other.env.sent).toEqual([])
  })

  test.each([[20], [300], [600]])('two who hold different things of %i level them, in pages', (count) => {
    const [one, other] = [selector(0), selector(1)]
    for (const [index, id] of ids.slice(0, count).entries()) {
      if (index % 3 !== 1) one.selection.learn(descriptorOf(id, 1 + (index % 2)), one.env, { quietly: true })
      if (index % 3 !== 2) other.selection.learn(descriptorOf(id, 1 + (index % 5)), other.env, { quietly: true })
    }
    let rounds = 0
    for (; rounds < 20 && sorted(one.selection).join() !== sorted(other.selection).join(); rounds++) {
      other.selection.receive(ids[0]!, { type: 'summary', digests: cellOf(one).summary() }, other.env)
      talk(one, other)
      for (const side of [one, other]) side.env.nowMs += 3_000
    }
    expect(sorted(one.selection)).toEqual(sorted(other.selection))
    expect(sorted(one.selection).length).toBe(count)
    expect(rounds).toBeLessThanOrEqual(8)
  })

  test('does not take back whom membership calls dead', () => {
    const { env, selection } = selector(0, {}, new Set([ids[5]!]))
    selection.receive(ids[1]!, { type: 'push', descriptors: [descriptors[5]!] }, env)
    expect(selection.get(ids[5]!)).toBeUndefined()
    expect(env.events).toEqual([])
  })

  test('drops what is past its expiry', () => {
    const { env, selection, pass } = selector(0)
    selection.learn(descriptors[1]!, env)
    env.wallMs = descriptors[1]!.expiresMs + DESCRIPTOR_CLOCK_TOLERANCE_MS
    pass(10_000)
    expect(selection.get(ids[1]!)).toBeUndefined()
  })

  test('law: anything is a message or a typed error, and no message harms', () => {
    const { env, selection } = selector(0, { cellCountMax: 50 })
    const part = fc.oneof(
      fc.anything(),
      fc.array(
        fc.oneof(fc.constantFrom<unknown>(...descriptors.slice(0, 80)), fc.constantFrom<unknown>(...ids), fc.nat(200)),
      ),
      fc.array(fc.record({ peer: fc.constantFrom(...ids), sequence: fc.nat(5) })),
    )
    const message = fc.record({
      type: fc.constantFrom('push', 'summary', 'holdings', 'want', 'other'),
      descriptors: part,
      digests: part,
      buckets: part,
      holdings: part,
      peers: part,
    })
    fc.assert(
      fc.property(fc.oneof(message, fc.anything()), fc.constantFrom(...ids), (value, from) => {
        env.nowMs += 1_000
        try {
          selection.receive(from, selectionWire.parse(value), env)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_MALFORMED' })
        }
        expect([...selection.members()].length).toBeLessThanOrEqual(50)
      }),
    )
  })
})

/** What a side holds, as a cell of its own. */
function cellOf({ selection }: Side): Cell {
  const cell = new Cell({ countMax: 10_000 })
  for (const descriptor of selection.members()) cell.put(descriptor)
  return cell
}
