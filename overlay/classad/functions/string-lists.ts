import { OUT_OF_STEPS } from '../frame.ts'
import { ErrorValue, type Value } from '../value.ts'
import { takes, wrong, type FunctionTable } from './function.ts'
import { matchAnyOf } from './patterns.ts'
import { splitAtAny } from './text.ts'

/** Lists kept in one string, as old ads do: items between any of the delimiters, comma and space unless others are given. */
const DELIMITERS = ' ,'

export const STRING_LIST_FUNCTIONS: FunctionTable = {
  stringListSize: overItems('stringListSize', (items) => BigInt(items.length)),
  stringListSum: overNumbers('stringListSum', (numbers) => numbers.reduce((total, item) => total + item, 0), 0),
  stringListAvg: overNumbers(
    'stringListAvg',
    (numbers) => numbers.reduce((total, item) => total + item, 0) / numbers.length,
    0,
    'real',
  ),
  stringListMin: overNumbers(
    'stringListMin',
    (numbers) => numbers.reduce((best, item) => Math.min(best, item)),
    undefined,
  ),
  stringListMax: overNumbers(
    'stringListMax',
    (numbers) => numbers.reduce((best, item) => Math.max(best, item)),
    undefined,
  ),
  stringListMember: membership('stringListMember', (text) => text),
  stringListIMember: membership('stringListIMember', (text) => text.toLowerCase()),
  stringListSubsetMatch: subset('stringListSubsetMatch', (text) => text),
  stringListISubsetMatch: subset('stringListISubsetMatch', (text) => text.toLowerCase()),
  stringListsIntersect: takes(2, 3, (values, run) => {
    const early = values.find((value) => value instanceof ErrorValue)
    if (early !== undefined) return early
    if (values.includes(undefined)) return undefined
    const texts = asTexts(values)
    if (texts === undefined) return wrong('stringListsIntersect', 'two or three strings')
    if (!run.charge(charsOf(texts))) return OUT_OF_STEPS
    const others = new Set(itemsOf(texts[1]!, texts[2]))
    return itemsOf(texts[0]!, texts[2]).some((item) => others.has(item))
  }),
  stringList_regexpMember: takes(2, 4, (values, run) => {
    const error = values.find((value) => value instanceof ErrorValue)
    if (error !== undefined) return error
    if (values.includes(undefined)) return undefined
    const texts = asTexts(values)
    if (texts === undefined) return wrong('stringList_regexpMember', 'strings')
    const [pattern, list, delimiters, options] = texts
    if (!run.charge(list!.length)) return OUT_OF_STEPS
    return matchAnyOf(pattern!, itemsOf(list!, delimiters), options ?? '', run)
  }),
}

function itemsOf(list: string, delimiters: string | undefined): string[] {
  return splitAtAny(list, delimiters || DELIMITERS)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function asTexts(values: readonly Value[]): readonly string[] | undefined {
  return values.every((value) => typeof value === 'string') ? values : undefined
}

function charsOf(texts: readonly string[]): number {
  return texts.reduce((chars, text) => chars + text.length, 0)
}

function overItems(name: string, reduce: (items: readonly string[]) => Value) {
  return takes(1, 2, (values, run) => {
    const error = values.find((value) => value instanceof ErrorValue)
    if (error !== undefined) return error
    const texts = asTexts(values)
    if (texts === undefined) return wrong(name, 'one or two strings')
    return run.charge(charsOf(texts)) ? reduce(itemsOf(texts[0]!, texts[1])) : OUT_OF_STEPS
  })
}

/** An integer where every item is one, unless `kind` says real. */
function overNumbers(
  name: string,
  reduce: (numbers: readonly number[]) => number,
  ofNone: 0 | undefined,
  kind: 'real' | 'alike' = 'alike',
) {
  return overItems(name, (items) => {
    const numbers = items.map((item) =>
      /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?$/i.test(item) ? Number(item) : NaN,
    )
    if (numbers.includes(NaN)) return wrong(name, 'a list of numbers')
    const result = numbers.length === 0 ? ofNone : reduce(numbers)
    if (result === undefined) return undefined
    const isInteger =
      kind === 'alike' && items.every((item) => /^[-+]?[0-9]+$/.test(item)) && Number.isSafeInteger(result)
    return isInteger ? BigInt(result) : result
  })
}

/** Undefined counts as the empty text, unless both are: then nothing is known. */
function membership(name: string, fold: (text: string) => string) {
  return onTwoTexts(name, (item, list, delimiters) => {
    return itemsOf(list, delimiters).some((other) => fold(other) === fold(item))
  })
}

/** Every item of the first list is in the second. Of no text at all that is true, of one that has no items it is not. */
function subset(name: string, fold: (text: string) => string) {
  return onTwoTexts(name, (part, whole, delimiters) => {
    if (part === '') return true
    const items = itemsOf(part, delimiters)
    const others = new Set(itemsOf(whole, delimiters).map(fold))
    return items.length > 0 && items.every((item) => others.has(fold(item)))
  })
}

function onTwoTexts(name: string, apply: (first: string, second: string, delimiters: string) => Value) {
  return takes(2, 3, (values, run) => {
    const error = values.find((value) => value instanceof ErrorValue)
    if (error !== undefined) return error
    const texts = asTexts(values.map((value) => value ?? ''))
    if (texts === undefined) return wrong(name, 'two or three strings')
    if (values[0] === undefined && values[1] === undefined) return undefined
    const [first, second, delimiters = ''] = texts
    return run.charge(charsOf(texts)) ? apply(first!, second!, delimiters) : OUT_OF_STEPS
  })
}
