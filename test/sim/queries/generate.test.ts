import { describe, expect, test } from 'vitest'
import { parseExpression, referencedNames } from '../../../overlay/index.ts'
import { machinesPopulation, syntheticPopulation, uniformPopulation } from '../../../sim/population/index.ts'
import { generateQuestions, questionOf, type GenerateOptions } from '../../../sim/queries/index.ts'

const NODES_COUNT = 4_000

function generated(options: Partial<GenerateOptions>): ReturnType<typeof generateQuestions> {
  return generateQuestions({
    population: uniformPopulation(16, 1),
    nodesCount: NODES_COUNT,
    seed: 1,
    queriesCount: 20,
    constrainCount: 3,
    share: 0.0125,
    want: 50,
    ...options,
  })
}

describe.each([
  ['uniform', uniformPopulation(16, 1), [0.125, 0.0125, 0.005]],
  ['synthetic', syntheticPopulation(1), [0.125, 0.0125]],
] as const)('boxes among %s nodes', (_, population, shares) => {
  const nodes = Array.from({ length: NODES_COUNT }, (_each, index) => population.machine(index).attributes)

  test.each([...shares])('hold a share of about %s of them', (share) => {
    const found = generated({ population, share }).map(({ isMatch }) => nodes.filter(isMatch).length / NODES_COUNT)
    const median = found.toSorted((one, other) => one - other)[found.length >> 1]!
    expect(median / share).toBeGreaterThan(0.8)
    expect(median / share).toBeLessThan(1.25)
    expect(Math.min(...found)).toBeGreaterThan(0)
  })

  test('say in the language of queries what they are', () => {
    for (const { where, isMatch } of generated({ population, queriesCount: 8 })) {
      const evaluated = questionOf(where, 1)
      expect(nodes.filter(evaluated.isMatch)).toEqual(nodes.filter(isMatch))
    }
  })

  test('constrain as many attributes as asked for', () => {
    for (const constrainCount of [0, 1, 5])
      for (const { where } of generated({ population, constrainCount, queriesCount: 5 }))
        expect(referencedNames(parseExpression(where)).size).toBe(constrainCount)
  })
})

test('boxes are the same under one seed, and others under another', () => {
  const wheres = (seed: number): string[] => generated({ seed }).map(({ where }) => where)
  expect(wheres(1)).toEqual(wheres(1))
  expect(wheres(1)).not.toEqual(wheres(2))
  expect(new Set(wheres(1)).size).toBe(20)
})

test('boxes lie at the ends of the range as well as in its middle', () => {
  const lows = generated({ constrainCount: 1, share: 0.1, queriesCount: 200 }).map(({ where }) =>
    Number(/>= (\S+)/.exec(where)![1]),
  )
  expect(Math.min(...lows)).toBeLessThan(0.05)
  expect(Math.max(...lows)).toBeGreaterThan(0.85)
})

test('where nodes have few attributes a box has all that its centre has', () => {
  const population = machinesPopulation('cores,site\n8,a\n16,b\n', 'm.csv', 1)
  for (const { where } of generated({ population, constrainCount: 2, share: 0.5, queriesCount: 5 }))
    expect(where).toMatch(/Cores >= \d+ && Cores <= \d+|Site =\?= "[ab]"/)
})
