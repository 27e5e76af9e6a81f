import { describe, expect, test } from 'vitest'
import { sample as draw, seededRng, type Attributes, type Descriptor } from '../../../overlay/index.ts'
import { driftOf, isWorthMoving, Popularity } from '../../../overlay/placement/index.ts'
import { layoutOf, mixedPopulation, nodeWith, sampleOf } from './nodes.ts'

const nobody = new Popularity()

function changed(nodes: readonly Descriptor[], change: (attributes: Attributes) => Attributes): Descriptor[] {
  return nodes.map(({ attributes }) => nodeWith(change(attributes)))
}

describe('drift', () => {
  const nodes = mixedPopulation(3_000)
  const layout = layoutOf(nodes)
  const rng = seededRng(21)

  test('law: no draw of samples from the same population shows any', () => {
    for (let run = 0; run < 1_000; run++) expect(driftOf(layout, sampleOf(draw(nodes, 400, rng)))).toBe(0)
  })

  test('law: nor does a layout that was learned from any sample', () => {
    for (let run = 0; run < 60; run++) {
      const learned = layoutOf(draw(nodes, 300, rng))
      for (let time = 0; time < 10; time++) expect(driftOf(learned, sampleOf(draw(nodes, 300, rng)))).toBe(0)
    }
  })

  test('law: small samples say nothing', () => {
    for (const count of [0, 1, 5, 20])
      for (let run = 0; run < 50; run++) expect(driftOf(layout, sampleOf(draw(nodes, count, rng)))).toBe(0)
  })

  test.each<[string, (attributes: Attributes) => Attributes]>([
    [
      'all numbers have grown',
      (attributes) => ({ ...attributes, Memory: 2 * (attributes['Memory'] as number) + 2 ** 34 }),
    ],
    ['most nodes have what few had', (attributes) => ({ ...attributes, Gpus: 8 })],
    ['another value has become the usual one', (attributes) => ({ ...attributes, Os: 'Windows' })],
    ['an attribute is gone', ({ Cores: _cores, ...rest }) => rest],
  ])('is seen where %s', (_name, change) => {
    const sample = sampleOf(changed(nodes, change))
    expect(driftOf(layout, sample)).toBeGreaterThan(0)
    expect(isWorthMoving(layout, sample, nobody)).toBe(true)
    expect(isWorthMoving(layoutOf(sample.descriptors()), sample, nobody)).toBe(false)
  })

  test('is seen in a layout that is made up, whatever it says it was made of', () => {
    const borders = {
      ...layout.borders,
      memory: { values: Array.from({ length: 63 }, (_, index) => index), counts: Array(63).fill(1) },
    }
    expect(driftOf({ ...layout, borders, sampleCount: 0 }, sampleOf(nodes))).toBeGreaterThan(0)
  })

  test('a twentieth of new nodes is not worth moving for', () => {
    const few = changed(nodes.slice(0, 150), (attributes) => ({ ...attributes, Memory: 2 ** 42, Cores: 1_024 }))
    for (let run = 0; run < 100; run++)
      expect(isWorthMoving(layout, sampleOf(draw([...nodes.slice(150), ...few], 400, rng)), nobody)).toBe(false)
  })
})

describe('moving', () => {
  const nodes = mixedPopulation(3_000)
  const sample = sampleOf(nodes)

  function popularityOf(...asked: readonly (readonly string[])[]): Popularity {
    const popularity = new Popularity()
    for (const names of asked) for (let count = 0; count < 10; count++) popularity.add(names)
    return popularity
  }

  test('is worth it once queries ask for what no grouping has together', () => {
    const layout = layoutOf(nodes)
    const split = ['cpuspeed', 'os', 'ssd']
    const popularity = popularityOf(split)
    expect(layout.groupings.some((names) => split.every((name) => names.includes(name)))).toBe(false)
    expect(isWorthMoving(layout, sample, popularity)).toBe(true)
    expect(
      isWorthMoving(
        layoutOf(
          nodes,
          popularity.summary().map(({ names }) => names),
        ),
        sample,
        popularity,
      ),
    ).toBe(false)
  })

  test('is not worth it for a few queries, nor for names that no node has', () => {
    const layout = layoutOf(nodes)
    const few = new Popularity()
    few.add(['cpuspeed', 'os', 'ssd'])
    expect(isWorthMoving(layout, sample, few)).toBe(false)
    expect(isWorthMoving(layout, sample, popularityOf(['nobody', 'nothing']))).toBe(false)
  })

  test('is worth it once some node measures live what others are grouped by', () => {
    const live = [...nodes, ...changed(nodes.slice(0, 300), (attributes) => ({ ...attributes, Dynamic: ['ssd'] }))]
    const layout = layoutOf(nodes)
    expect(layout.groupings.flat()).toContain('ssd')
    expect(isWorthMoving(layout, sampleOf(live), nobody)).toBe(true)
    expect(layoutOf(live).groupings.flat()).not.toContain('ssd')
  })

  test('is worth it once nodes that were alike are not', () => {
    const alike = layoutOf(Array.from({ length: 100 }, () => nodeWith({ Cores: 8 })))
    expect(isWorthMoving(alike, sample, nobody)).toBe(true)
  })
})
