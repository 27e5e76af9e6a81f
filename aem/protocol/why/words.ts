import {
  formatExpression,
  formatValue,
  knownAttribute,
  resolvedName,
  type AttributeValue,
} from '../../../overlay/index.ts'
import type { Comparison } from './condition.ts'

/** The longest text of one value or condition; what is longer is cut. */
const TEXT_CHARS_MAX = 120

/** A value as people write it in a query: bytes with a suffix, the members of a set as far as there is room. */
export function valueText(name: string, value: AttributeValue): string {
  if (typeof value === 'number') return numberText(name, value)
  if (typeof value === 'string' || typeof value === 'boolean') return cut(formatValue(value))
  return setText(value)
}

/** `64GiB` of an attribute that is measured in bytes, the plain number of any other. */
export function numberText(name: string, value: number): string {
  if (knownAttribute(resolvedName(name))?.unit !== 'bytes' || !Number.isSafeInteger(value)) return String(value)
  return bytesText(value)
}

/** The largest unit that leaves no more than two digits behind the point; `about` in front of what is not exact. */
export function bytesText(bytes: number): string {
  for (const [unit, size] of BYTE_UNITS) {
    if (Math.abs(bytes) < size) continue
    const rounded = Number((bytes / size).toFixed(2))
    return `${rounded * size === bytes ? '' : 'about '}${rounded}${unit}`
  }
  return `${bytes} bytes`
}

const BYTE_UNITS = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const

/** A condition for people: a comparison with its sizes as they were written, anything else as an expression. */
export function comparisonText({ name, operator, constant }: Comparison): string {
  return cut(`${name} ${operator} ${typeof constant === 'number' ? numberText(name, constant) : formatValue(constant)}`)
}

export function expressionText(expression: Parameters<typeof formatExpression>[0]): string {
  return cut(formatExpression(expression))
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `a few seconds`, `12m`: how long something still takes, for people. */
export function spanText(lengthMs: number): string {
  const seconds = Math.max(0, Math.ceil(lengthMs / 1_000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.ceil(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.ceil(hours / 24)} days`
}

/** `a, b and c`. */
export function listText(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`
}

function setText(members: readonly string[]): string {
  let text = ''
  for (const [index, member] of members.entries()) {
    const next = `${text}${index === 0 ? '' : ', '}${formatValue(member)}`
    if (next.length > SET_CHARS_MAX) return `{ ${text}${index === 0 ? '' : ', '}... ${members.length} in all }`
    text = next
  }
  return text === '' ? '{}' : `{ ${text} }`
}

const SET_CHARS_MAX = 60

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}...`
}
