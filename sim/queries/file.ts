import { parseExpression } from '../../overlay/classad/index.ts'
import { seededRng, type Surroundings } from '../../overlay/env/index.ts'
import { asRoostError, RoostError } from '../../overlay/error/index.ts'
import { matches } from '../../overlay/live/index.ts'
import { malformed } from '../population/index.ts'
import { WANT_ALL, type Question } from './question.ts'
import { translatePredicate } from './translate.ts'

/** Queries in one file. */
const QUERY_COUNT_MAX = 10_000

/**
 * Queries from a file of JSON, one object a line: `where` in the language of `roost find`, or `predicate` as SQL has it; `want`, a
 * number or `"all"`, where this one wants something else than the rest. Other fields are for others. `USAGE` with file and line.
 */
export function readQuestions(text: string, file: string, want: number): Question[] {
  const questions: Question[] = []
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue
    if (questions.length === QUERY_COUNT_MAX) throw malformed(file, index + 1, `more than ${QUERY_COUNT_MAX} queries`)
    try {
      questions.push(readLine(line, want))
    } catch (thrown) {
      throw malformed(file, index + 1, asRoostError(thrown).message)
    }
  }
  if (questions.length === 0) throw malformed(file, 1, 'there is no query in it')
  return questions
}

/** A question whose answer the expression language itself gives, evaluated over one machine at a time. */
export function questionOf(where: string, count: number): Question {
  const expression = parseExpression(where)
  return { where, count, isMatch: (attributes) => matches(expression, attributes, NOWHERE) }
}

function readLine(line: string, want: number): Question {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new RoostError('USAGE', 'this is no JSON; a line holds one object')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RoostError('USAGE', 'a line holds one object, such as {"where": "Cores >= 8"}')
  const { where, predicate, want: own } = value as Readonly<Record<string, unknown>>
  if ((where === undefined) === (predicate === undefined))
    throw new RoostError('USAGE', 'a query has one of `where` and `predicate`')
  const text = where ?? predicate
  if (typeof text !== 'string') throw new RoostError('USAGE', 'a query is a text')
  return questionOf(where === undefined ? translatePredicate(text) : text, own === undefined ? want : readWant(own))
}

/** How many nodes a query wants: a whole number, or `all`. */
export function readWant(value: unknown): number {
  if (value === 'all') return WANT_ALL
  const count = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= WANT_ALL) return count
  throw new RoostError(
    'USAGE',
    `what is wanted is a whole number from 1 to ${WANT_ALL}, or all, not ${JSON.stringify(value)}`,
  )
}

/** Static attributes know no time and no chance; an expression that asks for them gets the same each time. */
const NOWHERE = { self: '', nowMs: 0, wallMs: 0, rng: seededRng(0) } as unknown as Surroundings
