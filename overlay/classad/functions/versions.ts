import { asText } from '../convert.ts'
import { strict, wrong, type FunctionTable } from './function.ts'

/** Versions in the order of GNU `strverscmp`: runs of digits by value, and more leading zeros come first, as fractions do. */
export function compareVersions(left: string, right: string): number {
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  if (at === left.length && at === right.length) return 0
  let start = at
  while (start > 0 && isDigit(left[start - 1])) start--
  const differ = (left[at] ?? '') < (right[at] ?? '') ? -1 : 1
  if (start === at && !(isDigit(left[at]) && isDigit(right[at]))) return differ
  const zeros = leadingZeros(right, start) - leadingZeros(left, start)
  if (zeros !== 0) return Math.sign(zeros)
  if (leadingZeros(left, start) > 0) return differ
  return Math.sign(digitsFrom(left, start) - digitsFrom(right, start)) || differ
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

/** The zeros before a number, not counting one that is the number. */
function leadingZeros(text: string, from: number): number {
  let at = from
  while (text[at] === '0') at++
  return at > from && !isDigit(text[at]) ? at - from - 1 : at - from
}

function digitsFrom(text: string, from: number): number {
  let at = from
  while (isDigit(text[at])) at++
  return at - from
}

function comparison(name: string, result: (order: number) => boolean | bigint) {
  return strict(2, 2, (values) => {
    const [left, right] = values.map(asText)
    if (typeof left !== 'string' || typeof right !== 'string') return wrong(name, 'two versions')
    return result(compareVersions(left, right))
  })
}

export const VERSION_FUNCTIONS: FunctionTable = {
  versioncmp: comparison('versioncmp', (order) => BigInt(order)),
  versionEQ: comparison('versionEQ', (order) => order === 0),
  versionLT: comparison('versionLT', (order) => order < 0),
  versionLE: comparison('versionLE', (order) => order <= 0),
  versionGT: comparison('versionGT', (order) => order > 0),
  versionGE: comparison('versionGE', (order) => order >= 0),
  version_in_range: strict(3, 3, (values) => {
    const [version, least, most] = values.map(asText)
    if (typeof version !== 'string' || typeof least !== 'string' || typeof most !== 'string')
      return wrong('version_in_range', 'three versions')
    return compareVersions(least, version) <= 0 && compareVersions(version, most) <= 0
  }),
}
