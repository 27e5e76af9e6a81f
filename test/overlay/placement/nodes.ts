import fc from 'fast-check'
import { mintDescriptor, seededRng, type Attributes, type Descriptor, type PeerId } from '../../../overlay/index.ts'
import { proposeLayout, type Layout } from '../../../overlay/placement/index.ts'
import { Popularity } from '../../../overlay/placement/popularity.ts'
import { Sample } from '../../../overlay/placement/sample.ts'
import { drawPeerId } from '../../../sim/engine/names.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

export const env = new HandEnv<never, never, never>(peerIds(1)[0]!)

const names = seededRng(11)

/** A node of its own with these attributes. */
export function nodeWith(attributes: Attributes, peer: PeerId = drawPeerId(names)): Descriptor {
  return mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes }, new HandEnv(peer))
}

export function sampleOf(descriptors: Iterable<Descriptor>): Sample {
  const sample = new Sample()
  for (const descriptor of descriptors) sample.add(descriptor)
  return sample
}

export function layoutOf(descriptors: Iterable<Descriptor>, asked: readonly (readonly string[])[] = []): Layout {
  const popularity = new Popularity()
  for (const one of asked) popularity.add(one)
  const sample = sampleOf(descriptors)
  return proposeLayout({ sample, popularity, epoch: 1, groupingCount: 4, attributesPerGrouping: 4 }, env)
}

/** Numbers that are each as likely, numbers that many share, texts, truth values, and attributes that few have. */
export function mixedPopulation(count: number, seed = 1): Descriptor[] {
  const rng = seededRng(seed)
  return Array.from({ length: count }, () =>
    nodeWith({
      Cores: 2 ** rng.below(7),
      Memory: (1 + rng.below(64)) * 2 ** 30,
      Disk: rng.next() * 256,
      CpuSpeed: 1000 + rng.real() * 3000,
      Os: rng.below(10) === 0 ? 'Windows' : 'Linux',
      Site: `site-${rng.below(12)}`,
      ...(rng.below(20) === 0 && { Gpus: 1 + rng.below(4), 'gpu.driver': 500 + rng.below(60) }),
      ssd: rng.below(3) === 0,
    }),
  )
}

/** Small populations of nodes whose attributes are drawn from anywhere. */
export function populations(attributes: fc.Arbitrary<Attributes>): fc.Arbitrary<Descriptor[]> {
  return fc.array(attributes, { minLength: 1, maxLength: 40 }).map((tables) => tables.map((one) => nodeWith(one)))
}
