import { describe, expect, test } from 'vitest'
import {
  createDiscovery,
  samplingWire,
  selectionWire,
  type Discovery,
  type Env,
  type SamplingMessage,
  type SelectionMessage,
} from '../../overlay/index.ts'
import { Simulation } from '../../sim/engine/index.ts'

/** What the fuzzer found, each as the smallest story that shows it. */

describe('a descriptor of the receiver that it never signed', () => {
  type Send = (forge: { readonly sequence: number }) => void

  async function world(): Promise<{ simulation: Simulation; discovery: Discovery; push: Send; shuffle: Send }> {
    const simulation = new Simulation({ seed: 1 })
    let discovery: Discovery | undefined
    let selection: Env<SelectionMessage, never, never> | undefined
    let sampling: Env<SamplingMessage, never, never> | undefined
    const id = simulation.addNode({
      mount: (node) => {
        const options = { name: 'honest', addresses: [], attributes: { Cores: 4 } }
        discovery = createDiscovery({ host: node, onAddress: () => {} }, options)
      },
    })
    const mute = { start: () => {}, receive: () => {}, wake: () => {} }
    simulation.addNode({
      mount: (node) => {
        selection = node.mount(selectionWire, mute, () => {}) as typeof selection
        sampling = node.mount(samplingWire, mute, () => {}) as typeof sampling
      },
    })
    await simulation.run(100)
    const forged = (fields: { readonly sequence: number }) => ({ ...discovery!.own(), ...fields })
    return {
      simulation,
      discovery: discovery!,
      push: (forge) =>
        selection!.send(id, { type: 'push', descriptors: [forged(forge)] } as unknown as SelectionMessage),
      shuffle: (forge) =>
        sampling!.send(id, {
          type: 'shuffle',
          round: 1,
          entries: [{ descriptor: forged(forge), age: 0 }],
        } as unknown as SamplingMessage),
    }
  }

  test.each(['push', 'shuffle'] as const)('does not move its sequence number, come it by %s', async (way) => {
    const made = await world()
    const before = made.discovery.own().sequence
    made[way]({ sequence: Number.MAX_SAFE_INTEGER })
    await made.simulation.run(5_000)
    expect(made.discovery.own().sequence).toBe(before)
  })
})
