import { Ad } from './ad.ts'
import { AD_CHARS_MAX } from './bounds.ts'
import { malformedAt } from './lexer.ts'
import { parseExpressionWithin, refuseLongText, type ParseOptions } from './parse.ts'
import type { Expression } from './syntax.ts'

/**
 * Ads in the old syntax: a line an attribute, `name = expression`; empty lines stand between ads, and lines that begin
 * with `#` are skipped. In strings a backslash is itself but before a quote.
 */
export function parseOldAds(text: string, options: Omit<ParseOptions, 'syntax'> = {}): Ad[] {
  refuseLongText(text, AD_CHARS_MAX)
  const ads: Ad[] = []
  let attributes: [string, Expression][] = []
  const flush = (): void => {
    if (attributes.length > 0) ads.push(Ad.of(attributes))
    attributes = []
  }
  for (let start = 0; start <= text.length;) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    const line = text.slice(start, end)
    if (line.trim() === '') flush()
    else if (!line.trimStart().startsWith('#')) attributes.push(parseLine(text, start, end, options))
    start = end + 1
  }
  flush()
  return ads
}

/** The one ad of a text in the old syntax, empty where there is none. Throws as `parseExpression` does. */
export function parseOldAd(text: string, options: Omit<ParseOptions, 'syntax'> = {}): Ad {
  const ads = parseOldAds(text, options)
  return ads.length === 1
    ? ads[0]!
    : Ad.of(ads.flatMap((ad) => [...ad.entries].map((entry) => [entry.name, entry.expression])))
}

function parseLine(text: string, start: number, end: number, options: ParseOptions): [string, Expression] {
  const line = text.slice(start, end)
  const named = /^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=(?![=?!]=?)/.exec(line)
  if (!named) {
    const indent = line.length - line.trimStart().length
    throw malformedAt(text, start + indent, `\`${line.trim().slice(0, 20)}\``, 'a line `name = expression`')
  }
  return [
    named[1]!,
    parseExpressionWithin(text, start + named[0].length, trimmedEnd(text, start, end), { ...options, syntax: 'old' }),
  ]
}

/** Space at the end of a line, a carriage return too, is no part of it. */
function trimmedEnd(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length
}
