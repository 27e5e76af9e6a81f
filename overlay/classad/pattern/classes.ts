import { isWordCodePoint, PatternFault, type Accepts } from './syntax.ts'

/** Sets of code points: single characters, ranges, `\d` and its kin, and the POSIX names within brackets. */

export function exactly(codePoint: number, ignoreCase: boolean): Accepts {
  if (!ignoreCase) return (candidate) => candidate === codePoint
  const variants = new Set(caseVariants(codePoint))
  return (candidate) => variants.has(candidate)
}

export function range(first: number, last: number, ignoreCase: boolean): Accepts {
  const within: Accepts = (candidate) => candidate >= first && candidate <= last
  return ignoreCase ? (candidate) => within(candidate) || caseVariants(candidate).some(within) : within
}

export function anyOf(parts: readonly Accepts[], negated: boolean): Accepts {
  return (candidate) => parts.some((part) => part(candidate)) !== negated
}

function caseVariants(codePoint: number): number[] {
  const character = String.fromCodePoint(codePoint)
  return [character, character.toLowerCase(), character.toUpperCase()]
    .filter((variant) => [...variant].length === 1)
    .map((variant) => variant.codePointAt(0)!)
}

const isDigit: Accepts = (candidate) => candidate >= 0x30 && candidate <= 0x39
const isSpace: Accepts = (candidate) => candidate === 0x20 || (candidate >= 0x09 && candidate <= 0x0d)
const isHorizontal: Accepts = (candidate) => candidate === 0x20 || candidate === 0x09
const isLower: Accepts = (candidate) => candidate >= 0x61 && candidate <= 0x7a
const isUpper: Accepts = (candidate) => candidate >= 0x41 && candidate <= 0x5a
const isAlpha: Accepts = (candidate) => isLower(candidate) || isUpper(candidate)
const isPrintable: Accepts = (candidate) => candidate >= 0x20 && candidate <= 0x7e
const isAlphanumeric: Accepts = (candidate) => isAlpha(candidate) || isDigit(candidate)

/** What a letter after a backslash stands for, if it is a set. Sets are those of ASCII, as in PCRE without UTF. */
export function classEscape(letter: string): Accepts | undefined {
  const lower = CLASS_ESCAPES.get(letter.toLowerCase())
  if (lower === undefined) return undefined
  return letter === letter.toLowerCase() ? lower : (candidate) => !lower(candidate)
}

const CLASS_ESCAPES: ReadonlyMap<string, Accepts> = new Map([
  ['d', isDigit],
  ['w', isWordCodePoint],
  ['s', isSpace],
  ['h', isHorizontal],
])

export function posixClass(name: string, ignoreCase: boolean): Accepts {
  const negated = name.startsWith('^')
  const bare = negated ? name.slice(1) : name
  const cased = bare === 'upper' || bare === 'lower'
  const found = cased && ignoreCase ? isAlpha : POSIX_CLASSES.get(bare)
  if (found === undefined) throw new PatternFault(`there is no class [:${bare}:]`)
  return negated ? (candidate) => !found(candidate) : found
}

const POSIX_CLASSES: ReadonlyMap<string, Accepts> = new Map<string, Accepts>([
  ['alpha', isAlpha],
  ['digit', isDigit],
  ['alnum', isAlphanumeric],
  ['upper', isUpper],
  ['lower', isLower],
  ['space', isSpace],
  ['blank', isHorizontal],
  ['punct', (candidate) => isPrintable(candidate) && candidate !== 0x20 && !isAlphanumeric(candidate)],
  [
    'xdigit',
    (candidate) =>
      isDigit(candidate) || (candidate >= 0x41 && candidate <= 0x46) || (candidate >= 0x61 && candidate <= 0x66),
  ],
  ['word', isWordCodePoint],
  ['print', isPrintable],
  ['graph', (candidate) => isPrintable(candidate) && candidate !== 0x20],
  ['cntrl', (candidate) => candidate < 0x20 || candidate === 0x7f],
])
