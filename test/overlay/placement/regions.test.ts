import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExpression, seededRng, type Attributes, type Descriptor } from '../../../overlay/index.ts'
import {
  chooseGrouping,
  EMPTY_LAYOUT,
  groupingKeys,
  isWithin,
  planQuery,
  rankGroupings,
  regionsOf,
  type Box,
  type Layout,
} from '../../../overlay/placement/index.ts'
import { attributeTables, conditions } from './arbitraries.ts'
import { layoutOf, mixedPopulation, nodeWith, populations, sampleOf } from './nodes.ts'

const DEPTHS = [0, 1, 2, 3, 5, 8, 13, 24, 25, 32]

function boxesOf(where: string): readonly Box[] {
  return planQuery(parseExpression(where)).boxes
}

function isIn(boxes: readonly Box[], { attributes }: Descriptor): boolean {
  return boxes.some((box) => isWithin(box, attributes))
}

/** What each grouping says of every prefix of a node's keys. */
function overlapsOf(layout: Layout, boxes: readonly Box[], node: Descriptor): Set<string> {
  const said = new Set<string>()
  for (const [grouping, key] of groupingKeys(layout, node).entries()) {
    const regions = regionsOf(layout, grouping, boxes)
    for (const depth of DEPTHS) said.add(regions.overlaps(key, depth))
  }
  return said
}

describe('regions', () => {
  const nodes = mixedPopulation(2_000)
  const layout = layoutOf(nodes)

  test('law: a node in a box is in a part that overlaps; one in no box is in no part that is all inside', () => {
    fc.assert(
      fc.property(populations(attributeTables), attributeTables, conditions, (population, stranger, where) => {
        const learned = layoutOf(population)
        const boxes = boxesOf(where)
        for (const node of [...population, nodeWith(stranger)]) {
          if (learned.unsure.length > 0 && hasUnsure(node.attributes, learned.unsure)) continue
          expect(overlapsOf(learned, boxes, node).has(isIn(boxes, node) ? 'none' : 'all')).toBe(false)
        }
      }),
      { numRuns: 600 },
    )
  })

  test('law: the same for the conditions people ask, over a large population', () => {
    const atoms = fc.constantFrom(
      ...['Cores >= 16', 'Cores == 4', 'Memory > 20GiB', 'Memory < 3GiB', 'Disk >= 500000000000', 'CpuSpeed < 2GHz'],
      ...['Os == "windows"', 'Os != "linux"', 'Site == "site-3"', 'member(Site, {"site-1", "site-9"})', 'Gpus >= 2'],
      ...['isUndefined(Gpus)', 'ssd', '!ssd', 'gpu.driver > 530', 'GlueHostMainMemoryRAMSize >= 40000'],
      ...['IndividualCPUSpeed > 2500000000', 'Gpus =!= undefined'],
    )
    const wheres = fc
      .array(fc.array(atoms, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
      .map((alternatives) => alternatives.map((all) => `(${all.join(' && ')})`).join(' || '))
    fc.assert(
      fc.property(wheres, fc.nat(nodes.length - 41), (where, from) => {
        const boxes = boxesOf(where)
        for (const node of nodes.slice(from, from + 40))
          expect(overlapsOf(layout, boxes, node).has(isIn(boxes, node) ? 'none' : 'all')).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  test('law: what overlaps in part is made of parts that do, and as many as are counted', () => {
    const wheres = ['Cores >= 16 && Memory < 9GiB', 'Gpus >= 1', 'Site == "site-2" && Disk > 900000000000', 'Os == "x"']
    for (const where of wheres)
      for (const grouping of layout.groupings.keys()) {
        const regions = regionsOf(layout, grouping, boxesOf(where))
        for (const depth of [0, 1, 4, 7]) {
          const prefixes = Array.from({ length: 2 ** depth }, (_, index) => (depth === 0 ? 0 : index << (32 - depth)))
          const touched = prefixes.filter((prefix) => regions.overlaps(prefix, depth) !== 'none')
          expect(touched).toHaveLength(regions.cellCount(depth))
          for (const prefix of prefixes) {
            const halves = [prefix, prefix | (1 << (31 - depth))].map((half) => regions.overlaps(half, depth + 1))
            const whole = regions.overlaps(prefix, depth)
            expect(whole === 'none').toBe(halves.every((half) => half === 'none'))
            if (whole === 'all') expect(halves).toEqual(['all', 'all'])
          }
        }
      }
  })

  test('two sorts of conditions on one attribute, its own name and an alias, both narrow', () => {
    const both = boxesOf('Memory >= 8GiB && GlueHostMainMemoryRAMSize <= 10240')
    const grouping = layout.groupings.findIndex((names) => names.includes('memory'))
    const few = regionsOf(layout, grouping, both).cellCount(8)
    expect(few).toBeLessThan(regionsOf(layout, grouping, boxesOf('Memory >= 8GiB')).cellCount(8))
  })

  test('an alias in coarser units finds what lies just below a border', () => {
    const rng = seededRng(6)
    const population = Array.from({ length: 600 }, () =>
      nodeWith({ Memory: 2 ** 20 * rng.below(200) + rng.below(2 ** 20) }),
    )
    const learned = layoutOf(population)
    const mebibytes = learned.borders['memory']!.values.map((border) => Math.floor((border as number) / 2 ** 20))
    for (const size of mebibytes) {
      const node = nodeWith({ Memory: size * 2 ** 20 })
      expect(overlapsOf(learned, boxesOf(`GlueHostMainMemoryRAMSize == ${size}`), node).has('none')).toBe(false)
    }
  })

  test('labels below a name count as something that is there', () => {
    const rng = seededRng(7)
    const population = Array.from({ length: 600 }, () =>
      nodeWith(
        rng.below(2) === 0
          ? { gpu: `model-${rng.below(9)}` }
          : rng.below(2) === 0
            ? { Cores: 4 }
            : { 'gpu.driver': 550 },
      ),
    )
    const learned = layoutOf(population)
    expect(learned.groupings.flat()).toContain('gpu')
    const boxes = boxesOf('gpu =!= undefined')
    for (const node of population)
      expect(overlapsOf(learned, boxes, node).has(isIn(boxes, node) ? 'none' : 'all')).toBe(false)
  })

  test('in the home grouping, and without a layout, everything overlaps', () => {
    for (const regions of [
      regionsOf(EMPTY_LAYOUT, undefined, boxesOf('Cores > 2')),
      regionsOf(layout, undefined, boxesOf('Cores > 2')),
    ]) {
      expect(regions.overlaps(123, 8)).toBe('some')
      expect(regions.cellCount(8)).toBe(256)
    }
    expect(regionsOf(layout, undefined, boxesOf('true')).overlaps(5, 3)).toBe('all')
    expect(regionsOf(layout, 0, boxesOf('false')).overlaps(5, 3)).toBe('none')
    expect(chooseGrouping(EMPTY_LAYOUT, boxesOf('Cores > 2'), { depths: [] })).toBeUndefined()
  })

  test('a name that is unsure leaves the query open', () => {
    const boxes = boxesOf('GlueHostArchitectureSMPSize >= 64')
    const grouping = layout.groupings.findIndex((names) => names.includes('cores'))
    expect(regionsOf(layout, grouping, boxes).cellCount(8)).toBeLessThan(256)
    const unsure = { ...layout, unsure: ['gluehostarchitecturesmpsize'] }
    expect(regionsOf(unsure, grouping, boxes).cellCount(8)).toBe(256)
  })
})

describe('the choice of a grouping', () => {
  const nodes = mixedPopulation(2_000)
  const layout = layoutOf(nodes)
  const depths = layout.groupings.map(() => 6)

  test('falls on one that has the attributes asked for', () => {
    for (const [where, name] of [
      ['Gpus >= 2', 'gpus'],
      ['Os == "windows"', 'os'],
      ['Cores >= 64 && Memory >= 50GiB', 'memory'],
    ] as const)
      for (const sampled of [[], sampleOf(nodes).descriptors()]) {
        const choice = chooseGrouping(layout, boxesOf(where), { depths, sampled })!
        expect(layout.groupings[choice.groupingIndex]).toContain(name)
        expect(choice.share).toBeLessThan(0.6)
      }
  })

  test('the share is that of the nodes whose cells are touched', () => {
    for (const where of ['Cores >= 64 && Memory >= 50GiB', 'Disk < 100000000000', 'ssd && Gpus >= 1']) {
      const boxes = boxesOf(where)
      for (const choice of rankGroupings(layout, boxes, { depths, sampled: sampleOf(nodes).descriptors() })) {
        const touched = nodes.filter(
          (node) => choice.regions.overlaps(groupingKeys(layout, node)[choice.groupingIndex]!, 6) !== 'none',
        )
        expect(Math.abs(choice.share - touched.length / nodes.length)).toBeLessThan(0.12)
      }
    }
  })
})

/** A layout of few nodes does not know of labels that a stranger has under another standard's name. */
function hasUnsure(attributes: Attributes, unsure: readonly string[]): boolean {
  return Object.keys(attributes).some((name) => unsure.includes(name.toLowerCase()))
}
