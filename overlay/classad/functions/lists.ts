import { LIST_ITEMS_MAX } from '../bounds.ts'
import { OUT_OF_STEPS, type Run } from '../frame.ts'
import { Ad } from '../ad.ts'
import { BINARY } from '../operators.ts'
import type { BinaryOperator } from '../syntax.ts'
import { ErrorValue, isList, type Value } from '../value.ts'
import { ANY_COUNT, strict, takes, wrong, type FunctionTable } from './function.ts'

export const LIST_FUNCTIONS: FunctionTable = {
  member: membership('member', '=='),
  identicalMember: membership('identicalMember', '=?='),
  anyCompare: comparing('anyCompare', true),
  allCompare: comparing('allCompare', false),
  sum: overNumbers('sum', (numbers) => numbers.reduce<Value>((total, item) => BINARY['+'](total, item), 0n)),
  avg: overNumbers('avg', (numbers) =>
    BINARY['/'](
      numbers.reduce<Value>((total, item) => BINARY['+'](total, item), 0n),
      numbers.length,
    ),
  ),
  min: overNumbers('min', (numbers) => extreme(numbers, '<')),
  max: overNumbers('max', (numbers) => extreme(numbers, '>')),
  concatenateLists: strict(0, ANY_COUNT, (lists, run) => {
    const all: Value[] = []
    for (const list of lists) {
      if (!isList(list)) return wrong('concatenateLists', 'lists')
      if (!run.charge(list.length)) return OUT_OF_STEPS
      if (all.length + list.length > LIST_ITEMS_MAX)
        return new ErrorValue(`a list has more than ${LIST_ITEMS_MAX} items`)
      for (const item of list) all.push(item)
    }
    return all
  }),
}

/** Whether an item of the list is the value; a string that is not a list is refused, so a swapped call is not silent. */
function membership(name: string, operator: '==' | '=?=') {
  return takes(2, 2, ([value, list], run) => {
    if (list === undefined || (operator === '==' && value === undefined && !(list instanceof ErrorValue)))
      return undefined
    if (list instanceof ErrorValue) return list
    if (operator === '==' && value instanceof ErrorValue) return value
    if (!isList(list) || isList(value) || value instanceof Ad) return wrong(name, 'a value and a list')
    return anyItem(list, run, (item) => BINARY[operator](item, value, run) === true)
  })
}

function anyItem(list: readonly Value[], run: Run, holds: (item: Value) => boolean): Value {
  return run.charge(list.length) ? list.some(holds) : OUT_OF_STEPS
}

const COMPARISONS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['<', '<'],
  ['<=', '<='],
  ['==', '=='],
  ['!=', '!='],
  ['>=', '>='],
  ['>', '>'],
  ['is', '=?='],
  ['isnt', '=!='],
  ['=?=', '=?='],
  ['=!=', '=!='],
])

/** Whether the comparison holds for any item (`wanted`), or fails for none. An item that cannot be compared is an error. */
function comparing(name: string, wanted: boolean) {
  return takes(3, 3, ([operator, list, value], run) => {
    if (operator instanceof ErrorValue) return operator
    if (list instanceof ErrorValue) return list
    if (operator === undefined || list === undefined) return undefined
    const comparison = typeof operator === 'string' ? COMPARISONS.get(operator.toLowerCase()) : undefined
    if (comparison === undefined || !isList(list)) return wrong(name, 'a comparison as text, a list and a value')
    if (!run.charge(list.length)) return OUT_OF_STEPS
    for (const item of list) {
      const holds = BINARY[comparison](item, value, run)
      if (holds instanceof ErrorValue) return holds
      if (wanted ? holds === true : holds !== true) return wanted
    }
    return !wanted
  })
}

/** Undefined items are left out; of none that is left there is no sum, mean or extreme. */
function overNumbers(name: string, reduce: (numbers: readonly (bigint | number)[]) => Value) {
  return strict(1, 1, ([list], run) => {
    if (!isList(list)) return wrong(name, 'a list')
    if (!run.charge(list.length)) return OUT_OF_STEPS
    const numbers: (bigint | number)[] = []
    for (const item of list) {
      if (typeof item === 'bigint' || typeof item === 'number') numbers.push(item)
      else if (item !== undefined) return wrong(name, 'a list of numbers')
    }
    return numbers.length === 0 ? undefined : reduce(numbers)
  })
}

function extreme(numbers: readonly (bigint | number)[], operator: '<' | '>'): Value {
  return numbers.reduce<Value>((best, item) => (BINARY[operator](item, best) === true ? item : best), numbers[0])
}
