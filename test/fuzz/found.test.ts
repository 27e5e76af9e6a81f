import { describe, expect, test } from 'vitest'
import {
  createDiscovery,
  membershipWire,
  samplingWire,
  selectionWire,
  type Descriptor,
  type Discovery,
  type Env,
  type Surroundings,
  type Wire,
} from '../../overlay/index.ts'
import { signLayout } from '../../overlay/placement/layout.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { Simulation } from '../../sim/engine/index.ts'

/** What the fuzzer found, each as the smallest story that shows it. */

const WIRES: readonly Wire<never>[] = [samplingWire, membershipWire, selectionWire] as never

interface World {
  readonly simulation: Simulation
  /** The node that is lied to. */
  readonly discovery: Discovery
  readonly liar: Surroundings
  tell(wire: { readonly id: string }, message: unknown): Promise<void>
}

async function world(): Promise<World> {
  const simulation = new Simulation({ seed: 1, passage: { encode, decode } })
  const envs = new Map<string, Env<unknown, unknown, unknown>>()
  let discovery: Discovery | undefined
  let liar: Surroundings | undefined
  const id = simulation.addNode({
    mount: (node) => {
      const options = { name: 'honest', addresses: [], attributes: { Cores: 4 } }
      discovery = createDiscovery({ host: node, onAddress: () => {} }, options)
    },
  })
  simulation.addNode({
    mount: (node) => {
      liar = node.surroundings
      const mute = { start: () => {}, receive: () => {}, wake: () => {} }
      for (const wire of WIRES) envs.set(wire.id, node.mount(wire, mute, () => {}) as never)
    },
  })
  await simulation.run(100)
  const tell = async (wire: { readonly id: string }, message: unknown): Promise<void> => {
    const { refused } = simulation.counts
    envs.get(wire.id)!.send(id, message)
    await simulation.run(5_000)
    expect(simulation.counts.refused, 'it is well formed').toBe(refused)
  }
  return { simulation, discovery: discovery!, liar: liar!, tell }
}

describe('a word about the receiver that it never signed moves no number of its own', () => {
  const stories: readonly (readonly [string, { readonly id: string }, (descriptor: Descriptor) => unknown])[] = [
    ['a shuffle', samplingWire, (descriptor) => ({ type: 'shuffle', round: 1, descriptors: [descriptor], ages: [0] })],
    ['gossip', membershipWire, (descriptor) => ({ type: 'gossip', updates: [{ type: 'alive', descriptor }] })],
    [
      'a push',
      selectionWire,
      (descriptor) => ({ type: 'push', layout: 0, grouping: 0, descriptors: [descriptor], gone: [] }),
    ],
  ]

  test.each(stories)('in %s', async (_, wire, message) => {
    const { discovery, tell } = await world()
    const before = discovery.own()
    await tell(wire, message({ ...before, sequence: Number.MAX_SAFE_INTEGER }))
    expect(discovery.own().sequence).toBe(before.sequence)
  })
})

test('a node without a layout takes none from the end of all epochs, after which there would be no other', async () => {
  const { discovery, liar, tell } = await world()
  const layout = {
    sampleCount: 500,
    unsure: [],
    borders: { cores: { values: [4], counts: [1] } },
    groupings: [['cores']],
  }
  await tell(selectionWire, { type: 'layout', layout: signLayout({ ...layout, epoch: Number.MAX_SAFE_INTEGER }, liar) })
  expect(discovery.selectionState.epoch).toBe(0)
  await tell(selectionWire, { type: 'layout', layout: signLayout({ ...layout, epoch: 7 }, liar) })
  expect(discovery.selectionState.epoch).toBe(7)
})
