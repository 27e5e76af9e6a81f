import { describe, expect, test } from 'vitest'
import { drawsFor } from '../../../sim/population/index.ts'
import {
  clustering,
  componentSizes,
  graphOf,
  measureShape,
  measureViews,
  pathLength,
  quantile,
  undirected,
  variation,
  type Graph,
} from '../../../sim/metrics/index.ts'

const rng = drawsFor(1, 'story')

function viewsOf(
  views: readonly (readonly number[])[],
  down: readonly number[] = [],
): {
  nodesCount: number
  isUp: (node: number) => boolean
  viewOf: (node: number) => readonly number[]
} {
  return { nodesCount: views.length, isUp: (node) => !down.includes(node), viewOf: (node) => views[node]! }
}

const all = { isTargetUp: false }

function graph(views: readonly (readonly number[])[]): Graph {
  return undirected(graphOf(viewsOf(views), all))
}

/** Each knows the `reach` next ones. */
function ring(count: number, reach: number): number[][] {
  return Array.from({ length: count }, (_, node) =>
    Array.from({ length: reach }, (_each, step) => (node + step + 1) % count),
  )
}

describe('known graphs', () => {
  test('a complete graph is one clique at distance one', () => {
    const complete = graph(ring(6, 5))
    expect(clustering(complete, rng)).toBe(1)
    expect(pathLength(complete, [0, 1, 2, 3, 4, 5], rng)).toBe(1)
    expect(componentSizes(complete, () => true)).toEqual([6])
  })

  test('a circle has no triangles, and ways of a quarter of it', () => {
    const circle = graph(ring(101, 1))
    expect(clustering(circle, rng)).toBe(0)
    // Each distance from 1 to 50 twice.
    expect(pathLength(circle, [...Array.from({ length: 101 }).keys()], rng)).toBe(25.5)
  })

  test('a circle in which each knows the next two is clustered by half', () => {
    // Watts and Strogatz: 3(k - 2) / 4(k - 1) with k = 4 neighbours.
    expect(clustering(graph(ring(50, 2)), rng)).toBe(0.5)
  })

  test('a star has no triangles and ways of nearly two', () => {
    const star = graph([[], [0], [0], [0], [0]])
    expect(clustering(star, rng)).toBe(0)
    expect(pathLength(star, [0, 1, 2, 3, 4], rng)).toBeCloseTo((4 * 1 + 4 * (1 + 3 * 2)) / 20)
  })

  test('links count once, whoever has them', () => {
    const { targets } = graph([[1, 1], [0], []])
    expect([...targets]).toEqual([1, 0])
  })

  test('parts are counted by their nodes, largest first', () => {
    expect(componentSizes(graph([[1], [], [3], [4], [], []]), () => true)).toEqual([3, 2, 1])
  })
})

describe('views of a grid', () => {
  test('links to the dead are counted among all, and connect nobody', () => {
    // 0 - 2 - 1, and the one between is down.
    const figures = measureViews(viewsOf([[2], [2], [0, 1]], [2]))
    expect(figures).toMatchObject({ deadLinkShare: 1, components: 2, outsideLargest: 0.5 })
  })

  test('where all are known equally often the in-degree does not deviate', () => {
    expect(measureViews(viewsOf(ring(20, 4))).inDegreeSd).toBe(0)
    expect(measureViews(viewsOf([[1], [0], [0], [0]])).inDegreeSd).toBeCloseTo(Math.sqrt(1.5))
  })

  test('attackers are counted in the views of the honest', () => {
    const views = viewsOf([[1, 2], [3], [3, 0], [0]])
    expect(measureViews({ ...views, isAttacker: (node) => node === 3 })).toMatchObject({
      attackerShare: 2 / 5,
      eclipsed: 1,
    })
  })

  test('somebody who is no node is no link, and is counted', () => {
    expect(measureViews(viewsOf([[1, -1], [0]]))).toMatchObject({ deadLinkShare: 0, components: 1, strangers: 1 })
  })

  test('an empty grid has figures too', () => {
    expect(measureViews(viewsOf([]))).toMatchObject({ components: 0, outsideLargest: 0 })
    expect(measureShape(viewsOf([[]], [0]), rng)).toEqual({ clustering: 0, clusteringRandom: 0, pathLength: 0 })
  })

  test('random views are clustered as a random graph is, and their ways are short', () => {
    const count = 3_000
    const draws = drawsFor(7, 'story')
    const views = Array.from({ length: count }, () => Array.from({ length: 20 }, () => draws.below(count)))
    const shape = measureShape(viewsOf(views), rng)
    expect(shape.clustering / shape.clusteringRandom).toBeCloseTo(1, 1)
    expect(shape.pathLength).toBeGreaterThan(2)
    expect(shape.pathLength).toBeLessThan(3)
  })
})

describe('statistics', () => {
  test('a quantile is the value of the nearest rank', () => {
    const values = [5, 1, 4, 2, 3]
    expect([0, 0.2, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 1, 3, 5, 5])
    expect(quantile([], 0.5)).toBe(0)
  })

  test('variation is deviation over mean', () => {
    expect(variation([1, 3])).toBe(0.5)
    expect(variation([0, 0])).toBe(0)
  })
})
