import { describe, expect, test } from 'vitest'
import { seededRng, shuffle } from '../../../overlay/index.ts'
import {
  GROUPING_ATTRIBUTES_MAX,
  GROUPING_COUNT_MAX,
  Popularity,
  proposeLayout,
  readLayout,
} from '../../../overlay/placement/index.ts'
import { env, layoutOf, mixedPopulation, nodeWith, sampleOf } from './nodes.ts'

describe('a proposed layout', () => {
  const nodes = mixedPopulation(500)

  test('follows from the sample, in whatever order it was met', () => {
    const met = sampleOf(nodes).descriptors()
    expect(layoutOf(shuffle([...met], seededRng(4)))).toEqual(layoutOf(met))
  })

  test('has a place for each attribute that tells nodes apart', () => {
    const names = new Set(layoutOf(nodes).groupings.flat())
    for (const name of ['cores', 'memory', 'disk', 'cpuspeed', 'os', 'site', 'gpus', 'ssd'])
      expect(names).toContain(name)
  })

  test('puts attributes together that are asked for together', () => {
    const layout = layoutOf(
      nodes,
      Array.from({ length: 20 }, () => ['ssd', 'site', 'os']),
    )
    expect([...layout.groupings[0]!].sort()).toEqual(['os', 'site', 'ssd'])
  })

  test('serves the frequent first, and the rare in groupings that are left', () => {
    const asked = [
      ...Array.from({ length: 30 }, () => ['cpuspeed', 'disk']),
      ...Array.from({ length: 10 }, () => ['gpus', 'ssd']),
      ...Array.from({ length: 5 }, () => ['cores', 'disk', 'gpus', 'memory', 'site', 'ssd']),
    ]
    const groupings = layoutOf(nodes, asked).groupings.map((names) => new Set(names))
    expect(groupings.some((names) => names.has('cpuspeed') && names.has('disk'))).toBe(true)
    expect(groupings.some((names) => names.has('gpus') && names.has('ssd'))).toBe(true)
  })

  test('groups neither what is the same everywhere, nor names, nor what is not one static thing on all nodes', () => {
    const rng = seededRng(8)
    const odd = Array.from({ length: 300 }, (_, index) =>
      nodeWith({
        Cores: rng.below(50),
        Arch: 'x86_64',
        Name: `host-${index}`,
        heat: rng.below(100),
        Application: `app-${rng.below(5)}`,
        ...(index % 20 === 0 && { Dynamic: ['heat', 'license.matlab'] }),
      }),
    )
    const layout = layoutOf(odd)
    expect(layout.groupings).toEqual([['cores']])
    expect(layout.unsure).toEqual(expect.arrayContaining(['heat', 'license', 'license.matlab', 'application']))
  })

  test('keeps to what was unsure before', () => {
    const sample = sampleOf(nodes)
    const current = { ...layoutOf(nodes), unsure: ['ssd'] }
    const options = {
      sample,
      popularity: new Popularity(),
      epoch: 2,
      current,
      groupingCount: 4,
      attributesPerGrouping: 4,
    }
    expect(proposeLayout(options, env).groupings.flat()).not.toContain('ssd')
  })

  test('has no groupings where all nodes are alike, or none are known', () => {
    expect(layoutOf([]).groupings).toEqual([])
    expect(layoutOf(Array.from({ length: 100 }, () => nodeWith({ Cores: 8 }))).groupings).toEqual([])
  })

  test('may be sent whatever its nodes say', () => {
    const rng = seededRng(5)
    const text = (): string => String.fromCharCode(...Array.from({ length: 250 }, () => 97 + rng.below(26)))
    const texts = Array.from({ length: 31 }, text)
    const wordy = Array.from({ length: 400 }, () =>
      nodeWith(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`label${index}`, texts[rng.below(31)]!]))),
    )
    const options = {
      sample: sampleOf(wordy),
      popularity: new Popularity(),
      epoch: 1,
      groupingCount: GROUPING_COUNT_MAX,
      attributesPerGrouping: GROUPING_ATTRIBUTES_MAX,
    }
    const layout = proposeLayout(options, env)
    expect(layout.groupings.length).toBeGreaterThan(0)
    expect(() => readLayout(structuredClone(layout), 'layout')).not.toThrow()
  })
})
