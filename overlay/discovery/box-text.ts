import { knownAttribute } from '../attributes/index.ts'
import type { Box } from '../placement/index.ts'

type Interval = NonNullable<ReturnType<Box['get']>>[number]
type End = Interval['high']

/** The longest text of one box; what is longer is cut. */
const BOX_CHARS_MAX = 400

/** A box for people: `Cores >= 8, Os = "linux"`. One that holds every node is an empty text. */
export function boxText(box: Box): string {
  const conditions = [...box].map(([name, intervals]) => {
    const known = knownAttribute(name)?.name ?? name
    return understood(intervals)
      .map((interval) => `${known} ${intervalText(interval)}`)
      .join(' or ')
  })
  const text = conditions.join(', ')
  return text.length <= BOX_CHARS_MAX ? text : `${text.slice(0, BOX_CHARS_MAX)}...`
}

/** To a comparison a truth value is 0 or 1. Beside numbers that is what nobody means, and is not said. */
function understood(intervals: readonly Interval[]): readonly Interval[] {
  const others = intervals.filter(({ low, high }) => typeof low !== 'boolean' || (high !== true && high !== -Infinity))
  return others.length === 0 ? intervals : others
}

function intervalText({ low, high }: Interval): string {
  const from = boundText(low, { at: '>=', beyond: '>' })
  const to = boundText(high, { at: '<', beyond: '<=' })
  // From a value to all that is not beyond it is that value.
  if (from?.startsWith('>= ') && to === `<= ${from.slice(3)}`) return `= ${from.slice(3)}`
  if (from !== undefined && to !== undefined) return `${from} and ${to}`
  return from ?? to ?? kindText(low, high)
}

/**
 * A bound by a number or a text. What begins just above a value, by the last bit of a number or the least longer text, is said as `beyond` that
 * value. Undefined where a kind of value begins or ends there.
 */
function boundText(end: End, words: { readonly at: string; readonly beyond: string }): string | undefined {
  if (typeof end === 'number' && Number.isFinite(end)) {
    const short = Number(end.toPrecision(15))
    return short < end ? `${words.beyond} ${short}` : `${words.at} ${end}`
  }
  if (typeof end !== 'string' || end === '') return undefined
  return end.endsWith('\0')
    ? `${words.beyond} ${JSON.stringify(end.slice(0, -1))}`
    : `${words.at} ${JSON.stringify(end)}`
}

function kindText(low: End, high: End): string {
  if (low === null) return high === undefined ? 'is anything' : 'is undefined'
  if (low === false) return high === true ? '= false' : 'is a truth value or a number'
  if (low === true) return '= true'
  if (typeof low === 'string') return 'is a text'
  return typeof low === 'number' ? 'is a number' : 'is defined'
}
