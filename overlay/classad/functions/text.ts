import { TEXT_VALUE_CHARS_MAX } from '../bounds.ts'
import { asText } from '../convert.ts'
import { OUT_OF_STEPS, type Run } from '../frame.ts'
import { Ad } from '../ad.ts'
import { compareFolded } from '../operators.ts'
import { ErrorValue, isList, type Value } from '../value.ts'
import { ANY_COUNT, strict, takes, wrong, type FunctionTable } from './function.ts'

export const TEXT_LIMIT = new ErrorValue(`a text has more than ${TEXT_VALUE_CHARS_MAX} characters`)

/** Pays for a text that a function makes. */
export function made(text: string | undefined | ErrorValue, run: Run): Value {
  if (typeof text !== 'string') return text
  if (text.length > TEXT_VALUE_CHARS_MAX) return TEXT_LIMIT
  return run.charge(text.length >> 3) ? text : OUT_OF_STEPS
}

export const TEXT_FUNCTIONS: FunctionTable = {
  string: takes(1, 1, ([value], run) => made(asText(value), run)),
  strcat: takes(0, ANY_COUNT, (values, run) => concatenate(values, run)),
  join: takes(0, ANY_COUNT, (values, run) => join(values, run)),
  substr: strict(2, 3, ([text, offset, length], run) => substring(text, offset, length, run)),
  strcmp: compared((left, right) => (left < right ? -1 : left > right ? 1 : 0)),
  stricmp: compared(compareFolded),
  toUpper: cased((text) => text.toUpperCase()),
  toLower: cased((text) => text.toLowerCase()),
  size: strict(1, 1, ([value]) => {
    if (typeof value === 'string' || isList(value)) return BigInt(value.length)
    return value instanceof Ad ? BigInt(value.size) : wrong('size', 'a string, a list or an ad')
  }),
  split: strict(1, 2, ([text, delimiters], run) => {
    if (typeof text !== 'string' || (delimiters !== undefined && typeof delimiters !== 'string'))
      return wrong('split', 'one or two strings')
    return run.charge(text.length) ? splitAtAny(text, delimiters ?? ' \t\r\n,') : OUT_OF_STEPS
  }),
  splitUserName: splitAtSign((text) => [text, '']),
  splitSlotName: splitAtSign((text) => ['', text]),
}

/** The parts of a text between runs of any of the delimiters; empty ones are left out. */
export function splitAtAny(text: string, delimiters: string): string[] {
  const cuts = new Set(delimiters)
  const parts: string[] = []
  let from = 0
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && !cuts.has(text[at]!)) continue
    if (at > from) parts.push(text.slice(from, at))
    from = at + 1
  }
  return parts
}

function concatenate(values: readonly Value[], run: Run): Value {
  let joined = ''
  for (const value of values) {
    const text = asText(value)
    if (typeof text !== 'string') return text
    joined += text
    if (joined.length > TEXT_VALUE_CHARS_MAX) return TEXT_LIMIT
  }
  return made(joined, run)
}

/** The first argument between the others, or between the items of a list; a list alone is joined with nothing between. */
function join(values: readonly Value[], run: Run): Value {
  const last = values.at(-1)
  const all = values.length <= 2 && isList(last) ? [values.length === 2 ? values[0] : '', ...last] : values
  if (!run.charge(all.length)) return OUT_OF_STEPS
  const texts: string[] = []
  let separator = ''
  let chars = 0
  for (const [index, value] of all.entries()) {
    const text = asText(value)
    if (text instanceof ErrorValue) return text
    if (text === undefined) continue
    if (index === 0) separator = text
    else texts.push(text)
    chars += text.length + separator.length
    if (chars > TEXT_VALUE_CHARS_MAX) return TEXT_LIMIT
  }
  if (texts.length === 0 && all.includes(undefined)) return undefined
  return made(texts.filter((text, index) => index > 0 || text !== '').join(separator), run)
}

/** As in Perl: a negative offset counts from the end, a negative length leaves that many characters off the end. */
function substring(text: Value, offset: Value, length: Value, run: Run): Value {
  if (typeof text !== 'string' || typeof offset !== 'bigint' || (length !== undefined && typeof length !== 'bigint'))
    return wrong('substr', 'a string and one or two integers')
  const size = BigInt(text.length)
  const from = offset < 0n ? max(size + offset, 0n) : min(offset, size)
  const to = length === undefined ? size : length < 0n ? max(size + length, from) : min(from + length, size)
  return made(text.slice(Number(from), Number(to)), run)
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right
}

function compared(compare: (left: string, right: string) => number) {
  return strict(2, 2, ([left, right], run) => {
    const [first, second] = [asText(left), asText(right)]
    if (typeof first !== 'string' || typeof second !== 'string') return wrong('strcmp', 'what can be text')
    if (!run.charge((first.length + second.length) >> 6)) return OUT_OF_STEPS
    return BigInt(compare(first, second))
  })
}

function cased(change: (text: string) => string) {
  return takes(1, 1, ([value], run) => {
    const text = asText(value)
    return made(typeof text === 'string' ? change(text) : text, run)
  })
}

function splitAtSign(whole: (text: string) => Value[]) {
  return strict(1, 1, ([text]) => {
    if (typeof text !== 'string') return wrong('this function', 'a string')
    const at = text.indexOf('@')
    return at === -1 ? whole(text) : [text.slice(0, at), text.slice(at + 1)]
  })
}
