import { drawsFor } from './draw.ts'
import type { Population } from './population.ts'

/** Machines with attributes a0, a1, ... that have nothing to do with each other, each evenly spread over [0, 1). */
export function uniformPopulation(dimensionCount: number, seed: number): Population {
  const attributeNames = Array.from({ length: dimensionCount }, (_, dimension) => `a${dimension}`)
  return {
    source: `uniform:${dimensionCount}`,
    attributeNames,
    machine(index) {
      const rng = drawsFor(seed, 'machine', index)
      return { name: `node${index}`, attributes: Object.fromEntries(attributeNames.map((name) => [name, rng.real()])) }
    },
  }
}

/** Below the bound of attributes in a descriptor, with room for those that a node adds of its own. */
export const DIMENSION_COUNT_MAX = 64
