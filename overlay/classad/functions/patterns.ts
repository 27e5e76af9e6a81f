import { OUT_OF_STEPS, type Run } from '../frame.ts'
import { PatternFault, programFor, search, type Match, type Program } from '../pattern/index.ts'
import { ErrorValue, isList, type Value } from '../value.ts'
import { strict, wrong, type FunctionTable } from './function.ts'
import { made } from './text.ts'
import { TEXT_VALUE_CHARS_MAX } from '../bounds.ts'

/**
 * Regular expressions. Options: `i` ignores case, `m` lets `^` and `$` match at lines, `s` lets `.` match a newline, `x`
 * allows space and comments; for substitution `f` gives the whole text and `g` replaces every match. Others are ignored.
 */
export const PATTERN_FUNCTIONS: FunctionTable = {
  regexp: strict(2, 3, ([pattern, text, options = ''], run) => {
    if (typeof pattern !== 'string' || typeof text !== 'string' || typeof options !== 'string')
      return wrong('regexp', 'two or three strings')
    return matchAnyOf(pattern, [text], options, run)
  }),
  regexpMember: strict(2, 3, ([pattern, list, options = ''], run) => {
    if (typeof pattern !== 'string' || !isList(list) || typeof options !== 'string')
      return wrong('regexpMember', 'a string, a list and perhaps options')
    return matchAnyOf(pattern, list, options, run)
  }),
  regexps: substitution('regexps', ''),
  replace: substitution('replace', 'f'),
  replaceAll: substitution('replaceAll', 'fg'),
}

/** Whether the pattern matches any of the texts; undefined where none does and one is undefined. */
export function matchAnyOf(pattern: string, texts: readonly Value[], options: string, run: Run): Value {
  const program = compiled(pattern, options, run)
  if (program instanceof ErrorValue) return program
  let unknown = false
  for (const text of texts) {
    if (text === undefined) unknown = true
    else if (typeof text !== 'string') return wrong('a pattern', 'text to match')
    else {
      const match = search(program, text, (steps) => run.charge(steps))
      if (match === 'exhausted') return OUT_OF_STEPS
      if (match !== undefined) return true
    }
  }
  return unknown ? undefined : false
}

/** Paid for whether it was kept or not, so that the cost of an evaluation does not depend on those before it. */
function compiled(pattern: string, options: string, run: Run): Program | ErrorValue {
  const letters = options.toLowerCase()
  const program = programFor(pattern, {
    ignoreCase: letters.includes('i'),
    multiline: letters.includes('m'),
    dotAll: letters.includes('s'),
    extended: letters.includes('x'),
  })
  if (program instanceof PatternFault) return new ErrorValue(program.message)
  return run.charge(program.instructions.length >> 3) ? program : OUT_OF_STEPS
}

function substitution(name: string, always: string) {
  return strict(3, 4, ([pattern, text, substitute, options = ''], run) => {
    if (
      typeof pattern !== 'string' ||
      typeof text !== 'string' ||
      typeof substitute !== 'string' ||
      typeof options !== 'string'
    )
      return wrong(name, 'three or four strings')
    const letters = (options + always).toLowerCase()
    const program = compiled(pattern, letters, run)
    if (program instanceof ErrorValue) return program
    return applySubstitution(
      program,
      text,
      substitute,
      { whole: letters.includes('f'), all: letters.includes('g') },
      run,
    )
  })
}

/** After an empty match the next one must have characters, or begin a character later. */
function applySubstitution(
  program: Program,
  text: string,
  template: string,
  { whole, all }: { whole: boolean; all: boolean },
  run: Run,
): Value {
  let output = ''
  let from = 0
  let afterEmpty = false
  do {
    const match: Match | undefined | 'exhausted' = search(program, text, (steps) => run.charge(steps), {
      from,
      anchored: afterEmpty,
      notEmpty: afterEmpty,
    })
    if (match === 'exhausted') return OUT_OF_STEPS
    if (match === undefined) {
      if (!afterEmpty || from >= text.length) break
      if (whole) output += text[from]
      from++
      afterEmpty = false
      continue
    }
    const [start, end] = [match[0]!, match[1]!]
    const expanded = expand(template, text, match)
    if (expanded === undefined) return new ErrorValue('the substitute names a group that the pattern does not have')
    output += (whole ? text.slice(from, start) : '') + expanded
    if (output.length > TEXT_VALUE_CHARS_MAX) break
    from = end
    afterEmpty = start === end
  } while (all)
  return made(whole ? output + text.slice(from) : output, run)
}

/** `\0` is the match, `\1` to `\9` are its groups; other backslashes are themselves. */
function expand(template: string, text: string, match: Match): string | undefined {
  let known = true
  const expanded = template.replace(/\\([0-9])/g, (_, digit: string) => {
    const index = 2 * Number(digit)
    if (index >= match.length) known = false
    return match[index] === undefined || match[index] === -1 ? '' : text.slice(match[index], match[index + 1])
  })
  return known ? expanded : undefined
}
