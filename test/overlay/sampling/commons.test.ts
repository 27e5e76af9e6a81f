import { describe, expect, test } from 'vitest'
import {
  DescriptorChecker,
  mintDescriptor,
  Sampling,
  SamplingCommons,
  samplingWire,
  SAMPLING_DEFAULTS,
  type Descriptor,
  type SamplingEvent,
} from '../../../overlay/index.ts'
import { Simulation, type SimulationOptions } from '../../../sim/engine/index.ts'

const NODES_COUNT = 60

/** A grid that starts from one seed and loses and regains nodes, each life with a descriptor of its own. */
async function play({ among, passage }: { among: boolean; passage: SimulationOptions['passage'] & string }) {
  const simulation = new Simulation({ seed: 3, passage, lossShare: 0.05, duplicateShare: 0.05 })
  const { viewSize } = SAMPLING_DEFAULTS
  const commons = among ? new SamplingCommons({ viewSize, nodesCountMax: NODES_COUNT }) : undefined
  const checker = new DescriptorChecker()
  const samplings: Sampling[] = []
  const heard: (readonly Descriptor[])[] = []
  const onEvent = (event: SamplingEvent): void => {
    if (event.type === 'heard') heard.push(event.descriptors)
  }
  for (let index = 0; index < NODES_COUNT; index++)
    simulation.addNode({
      mount: (host) => {
        const sequence = Math.floor(host.surroundings.wallMs)
        const own = mintDescriptor({ name: '', sequence, addresses: [], attributes: {} }, host.surroundings)
        const seeds = index === 0 ? [] : [{ peer: simulation.ids[0]!, addresses: [] }]
        const sampling = new Sampling({ own, checker, ...(commons && { commons }) }, { seeds })
        samplings[index] = sampling
        host.mount(samplingWire, sampling, onEvent)
      },
    })
  await simulation.run(60_000)
  for (const id of simulation.ids.slice(0, 20)) simulation.crash(id)
  await simulation.run(30_000)
  for (const id of simulation.ids.slice(0, 20)) simulation.restart(id)
  await simulation.run(60_000)
  // Which of two words of a node stands where may differ: whoever checks anew takes the newest at once.
  const views = samplings.map((sampling) => sampling.view().map(({ peer }) => peer))
  const news = heard.map((descriptors) => descriptors.map(({ peer }) => peer))
  return { views, news, snapshots: samplings.map((sampling) => sampling.snapshot()), simulation }
}

describe('nodes with a book in common', () => {
  test('are no more than it was made for', () => {
    const commons = new SamplingCommons({ viewSize: 5, nodesCountMax: 1 })
    const made = (seed: number): Sampling => {
      const simulation = new Simulation({ seed })
      let own: Descriptor | undefined
      simulation.addNode({
        mount: ({ surroundings }) => {
          own = mintDescriptor({ name: '', sequence: 1, addresses: [], attributes: {} }, surroundings)
        },
      })
      return new Sampling({ own: own!, checker: new DescriptorChecker(), commons }, { viewSize: 5 })
    }
    expect(made(1).view()).toEqual([])
    expect(() => made(2)).toThrow(RangeError)
  })

  test('come to hold and to tell what they would without, message for message', async () => {
    const [apart, among] = [
      await play({ among: false, passage: 'plain' }),
      await play({ among: true, passage: 'plain' }),
    ]
    expect(among.simulation.traceHash).toBe(apart.simulation.traceHash)
    expect(among.views).toEqual(apart.views)
    expect(among.news).toEqual(apart.news)
    expect(among.snapshots).toEqual(apart.snapshots)
    expect(among.simulation.counts.bytesSent).toBe(apart.simulation.counts.bytesSent)
  })

  test('send to each other, where messages are packed, what crosses a network', async () => {
    const [apart, among] = [
      await play({ among: false, passage: 'strict' }),
      await play({ among: true, passage: 'strict' }),
    ]
    expect(among.simulation.counts).toEqual(apart.simulation.counts)
    expect(among.simulation.counts.refused).toBe(0)
    expect(among.views).toEqual(apart.views)
  })
})
