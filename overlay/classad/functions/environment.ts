import { OUT_OF_STEPS } from '../frame.ts'
import { ErrorValue, type Value } from '../value.ts'
import { ANY_COUNT, strict, takes, wrong, type FunctionTable } from './function.ts'
import { made } from './text.ts'

/**
 * Environments of jobs as one string. Old form: `A=1;B=2`. New form: `A=1 B='two words'`, where a value with spaces stands in
 * single quotes and a single quote is written twice.
 */
export const ENVIRONMENT_FUNCTIONS: FunctionTable = {
  envV1ToV2: strict(1, 1, ([text], run) => {
    if (typeof text !== 'string') return wrong('envV1ToV2', 'a string')
    if (!run.charge(text.length)) return OUT_OF_STEPS
    const variables = text.split(/[;|\n]/).filter((variable) => variable !== '')
    return made(formatEnvironment(asTable(variables)), run)
  }),
  mergeEnvironment: takes(0, ANY_COUNT, (values, run) => {
    const variables: string[] = []
    for (const value of values) {
      if (value === undefined) continue
      if (value instanceof ErrorValue) return value
      if (typeof value !== 'string') return wrong('mergeEnvironment', 'strings')
      if (!run.charge(value.length)) return OUT_OF_STEPS
      const parsed = wordsOf(value)
      if (parsed === undefined) return wrong('mergeEnvironment', 'environments with closed quotes')
      variables.push(...parsed)
    }
    return made(formatEnvironment(asTable(variables)), run)
  }),
  listToArgs: strict(1, 1, ([list], run) => {
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
      return wrong('listToArgs', 'a list of strings')
    return run.charge(list.length) ? made(list.map(quoteWord).join(' '), run) : OUT_OF_STEPS
  }),
  argsToList: strict(1, 1, ([text], run): Value => {
    if (typeof text !== 'string') return wrong('argsToList', 'a string')
    if (!run.charge(text.length)) return OUT_OF_STEPS
    return wordsOf(text) ?? wrong('argsToList', 'arguments with closed quotes')
  }),
}

function asTable(variables: readonly string[]): Map<string, string> {
  return new Map(
    variables.map((variable) => {
      const at = variable.indexOf('=')
      return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)]
    }),
  )
}

function formatEnvironment(variables: ReadonlyMap<string, string>): string {
  return [...variables].map(([name, value]) => quoteWord(`${name}=${value}`)).join(' ')
}

function quoteWord(word: string): string {
  return word !== '' && !/[\s']/.test(word) ? word : `'${word.replaceAll("'", "''")}'`
}

/** Words between white space; undefined where a quote is not closed. */
function wordsOf(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quoted && character === "'" && text[at + 1] === "'") {
      word += "'"
      at++
    } else if (character === "'") {
      quoted = !quoted
      word ??= ''
    } else if (quoted || !/\s/.test(character)) word = (word ?? '') + character
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (word !== undefined) words.push(word)
  return quoted ? undefined : words
}
