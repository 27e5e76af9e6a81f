import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { machinesPopulation } from '../../../sim/population/index.ts'
import { readQuestions } from '../../../sim/queries/index.ts'
import { casePath, readCase } from '../cases.ts'

const machinesPath = casePath('machines/grid5000-2026.csv')
const queriesPath = casePath('machines/range-queries-2026.jsonl')

describe.skipIf(machinesPath === undefined || queriesPath === undefined)('the queries of real machines', () => {
  const MACHINES_COUNT = 939
  const population =
    machinesPath === undefined ? undefined : machinesPopulation(readCase(machinesPath), machinesPath, 1)
  const text = queriesPath === undefined ? '' : readCase(queriesPath)
  const expected = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

  test.each(readQuestions(text || '{"where":"true"}', 'queries', 10).map((question, index) => ({ question, index })))(
    'find what SQLite finds: $question.where',
    ({ question, index }) => {
      const names: string[] = []
      for (let node = 0; node < MACHINES_COUNT; node++) {
        const { name, attributes } = population!.machine(node)
        if (question.isMatch(attributes)) names.push(name)
      }
      expect(names.length).toBe(expected[index]!['count'])
      const digest = createHash('sha1').update(names.toSorted().join('\n')).digest('hex')
      expect(digest).toBe(expected[index]!['sha1_of_sorted_names_joined_by_newline'])
    },
  )
})
