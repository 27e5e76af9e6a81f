import { describe, expect, test } from 'vitest'
import { parseExpression, type Descriptor } from '../../../overlay/index.ts'
import { chooseGrouping, groupingKeys, planQuery, regionsOf } from '../../../overlay/placement/index.ts'
import { machinesPopulation } from '../../../sim/population/index.ts'
import { questionOf, readQuestions } from '../../../sim/queries/index.ts'
import { casePath, readCase } from '../../sim/cases.ts'
import { layoutOf, nodeWith, sampleOf } from './nodes.ts'

const machinesPath = casePath('machines/grid5000-2026.csv')
const queriesPath = casePath('machines/range-queries-2026.jsonl')
const isPresent = machinesPath !== undefined && queriesPath !== undefined

const NODE_COUNT = 8_192
const CELL_COUNT_MAX = 512

describe.skipIf(!isPresent)('on real machines (../shared/cases/machines, or ROOST_CASES)', () => {
  const nodes = isPresent ? resampled(readCase(machinesPath), machinesPath) : []
  const layout = layoutOf(nodes)
  const { sampled, depths } = { sampled: sampleOf(nodes).descriptors(), depths: layout.groupings.map(() => 6) }

  test('cells that split at their bound are mostly more than a quarter full', () => {
    for (const grouping of layout.groupings.keys()) {
      const keys = nodes.map((node) => groupingKeys(layout, node)[grouping]! >>> 0)
      const sizes = cellSizes(keys, 0).sort((one, other) => one - other)
      expect(sizes.at(-1)).toBeLessThanOrEqual(CELL_COUNT_MAX)
      expect(sizes[sizes.length >> 1]).toBeGreaterThan(CELL_COUNT_MAX / 4)
    }
  })

  const questions = isPresent ? readQuestions(readCase(queriesPath), queriesPath, 10) : [questionOf('true', 10)]

  test.each(questions.map((question) => ({ question, where: question.where })))(
    'no match of $where is in a part that is left out',
    ({ question, where }) => {
      const { boxes } = planQuery(parseExpression(where))
      const matching = nodes.filter(({ attributes }) => question.isMatch(attributes))
      for (const grouping of layout.groupings.keys()) {
        const regions = regionsOf(layout, grouping, boxes)
        const isLeftOut = (node: Descriptor): boolean =>
          [2, 4, 9, 24].some((depth) => regions.overlaps(groupingKeys(layout, node)[grouping]!, depth) === 'none')
        expect(matching.filter(isLeftOut)).toEqual([])
      }
    },
  )

  test('selective queries touch a part of the grid that is small, broad ones no more than all of it', () => {
    const shares = questions.map(({ where, isMatch }) => ({
      where,
      match: nodes.filter(({ attributes }) => isMatch(attributes)).length / nodes.length,
      touched: chooseGrouping(layout, planQuery(parseExpression(where)).boxes, { depths, sampled })!.share,
    }))
    const selective = shares.filter(({ match }) => match < 0.15)
    expect(selective.length).toBeGreaterThan(8)
    for (const { where, touched } of selective)
      expect({ where, isNarrow: touched < 0.8 }).toEqual({ where, isNarrow: true })
    expect(selective.reduce((sum, { touched }) => sum + touched, 0) / selective.length).toBeLessThan(0.5)
  })
})

function resampled(text: string, file: string): Descriptor[] {
  const population = machinesPopulation(text, file, 1)
  return Array.from({ length: NODE_COUNT }, (_, index) => nodeWith(population.machine(index).attributes))
}

/** Of the cells that these keys fall into, when each splits above the bound. */
function cellSizes(keys: readonly number[], depth: number): number[] {
  if (keys.length === 0) return []
  if (keys.length <= CELL_COUNT_MAX || depth === 32) return [keys.length]
  const bit = 31 - depth
  return [0, 1].flatMap((side) =>
    cellSizes(
      keys.filter((key) => ((key >>> bit) & 1) === side),
      depth + 1,
    ),
  )
}
