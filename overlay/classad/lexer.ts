import { RoostError } from '../error/index.ts'
import { scaleNumber } from './suffixes.ts'

/**
 * Text to tokens, as HTCondor's lexer cuts them: a minus directly before digits belongs to the number unless a value stands
 * before it, adjacent strings join, `?` and `:` with only space between are one token. Where we deviate: `16GiB` and the like
 * are numbers (suffixes.ts), and a whole number beyond 64 bits is refused instead of becoming 0.
 */
export interface Token {
  readonly type: TokenType
  /** A name or string without its quotes and escapes, or an operator in its first spelling (`is` is `=?=`). */
  readonly text: string
  readonly value?: bigint | number | boolean
  /** Where it begins, from 0. */
  readonly offset: number
  /** A name between single quotes: never a scope, never a keyword. */
  readonly quoted?: true
}

export type TokenType = 'integer' | 'real' | 'boolean' | 'undefined' | 'error' | 'string' | 'name' | 'operator' | 'end'

/** `old`: a backslash stands for itself but before a quote, strings do not join, numbers have no leading zeros. */
export type Syntax = 'new' | 'old'

/** Cuts `text` from `start` to `end` into tokens, the last of type `end`; a string may reach to `end`, not beyond. */
export function tokenize(text: string, syntax: Syntax = 'new', start = 0, end = text.length): Token[] {
  return new Lexer(text, syntax, start, end).run()
}

/** `EXPRESSION_MALFORMED` at an offset of a text: line and column from 1, and what would have been right there. */
export function malformedAt(text: string, offset: number, found: string, expected: string): RoostError {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  const column = offset - before.lastIndexOf('\n')
  return new RoostError(
    'EXPRESSION_MALFORMED',
    `line ${line}, column ${column}: expected ${expected}, found ${found}`,
    { line, column, data: { expected, found, offset } },
  )
}

const OPERATORS = [
  ...['>>>', '=?=', '=!=', '||', '&&', '==', '!=', '<=', '>=', '<<', '>>'],
  ...'.*/%+-~^?:;,[](){}&|<>=!'.split(''),
]

const KEYWORDS: ReadonlyMap<string, Pick<Token, 'type' | 'text' | 'value'>> = new Map([
  ['true', { type: 'boolean', text: 'true', value: true }],
  ['false', { type: 'boolean', text: 'false', value: false }],
  ['undefined', { type: 'undefined', text: 'undefined' }],
  ['error', { type: 'error', text: 'error' }],
  ['is', { type: 'operator', text: '=?=' }],
  ['isnt', { type: 'operator', text: '=!=' }],
])

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])

const SPACE = /\s+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const HEXADECIMAL = /0[xX][0-9a-fA-F]+/y
const DECIMAL = /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y
const LETTERS = /[A-Za-z]+(?![A-Za-z0-9_])/y
const INTEGER_MAX = 2n ** 63n - 1n

/** 64 bits take 22 octal digits and the 0 before them; reading very many digits takes very long. */
const INTEGER_DIGITS_MAX = 24

class Lexer {
  readonly #text: string
  readonly #syntax: Syntax
  readonly #end: number
  readonly #tokens: Token[] = []
  #at: number

  constructor(text: string, syntax: Syntax, start: number, end: number) {
    this.#text = text
    this.#syntax = syntax
    this.#at = start
    this.#end = end
  }

  run(): Token[] {
    for (;;) {
      this.#skipSpace()
      if (this.#at >= this.#end) {
        this.#tokens.push({ type: 'end', text: 'the end', offset: this.#end })
        return this.#tokens
      }
      this.#tokens.push(this.#next())
    }
  }

  #skipSpace(): void {
    for (;;) {
      this.#match(SPACE)
      if (this.#text.startsWith('//', this.#at)) {
        const lineEnd = this.#text.indexOf('\n', this.#at)
        this.#at = lineEnd === -1 || lineEnd > this.#end ? this.#end : lineEnd
      } else if (this.#text.startsWith('/*', this.#at)) {
        const close = this.#text.indexOf('*/', this.#at + 2)
        if (close === -1 || close + 2 > this.#end) throw this.#fail(this.#end, 'the end', '`*/` to end the comment')
        this.#at = close + 2
      } else return
    }
  }

  #next(): Token {
    const offset = this.#at
    const character = this.#text[offset]!
    if (/[A-Za-z_]/.test(character)) {
      const text = this.#match(NAME)!
      const keyword = KEYWORDS.get(text.toLowerCase())
      return keyword ? { ...keyword, offset } : { type: 'name', text, offset }
    }
    if (character === '"') return { type: 'string', text: this.#quoted('"'), offset }
    if (character === "'") {
      const text = this.#quoted("'")
      if (text === '') throw this.#fail(offset, 'an empty one', 'a name between the quotes')
      return { type: 'name', text, offset, quoted: true }
    }
    if (this.#startsNumber()) return this.#number()
    const operator = OPERATORS.find((candidate) => this.#text.startsWith(candidate, offset))
    if (operator === undefined) throw this.#fail(offset, `\`${character}\``, 'an expression')
    this.#at += operator.length
    if (operator === '?') {
      const afterMark = this.#at
      this.#match(SPACE)
      if (this.#text[this.#at] === ':' && this.#at < this.#end) {
        this.#at++
        return { type: 'operator', text: '?:', offset }
      }
      this.#at = afterMark
    }
    return { type: 'operator', text: operator, offset }
  }

  #startsNumber(): boolean {
    const [first, second, third] = this.#text.slice(this.#at, this.#at + 3)
    if (isDigit(first)) return true
    if (first === '.') return isDigit(second)
    if (first !== '-' || this.#followsValue()) return false
    return isDigit(second) || (second === '.' && isDigit(third))
  }

  /** After a value a minus subtracts. */
  #followsValue(): boolean {
    const last = this.#tokens.at(-1)
    if (last === undefined) return false
    return last.type !== 'operator' || ['.', ')', ']', '}'].includes(last.text)
  }

  #number(): Token {
    const offset = this.#at
    const negative = this.#text[offset] === '-'
    if (negative) this.#at++
    const hexadecimal = this.#match(HEXADECIMAL)
    const digits = hexadecimal ?? this.#match(DECIMAL)!
    const isWhole = hexadecimal !== undefined || /^[0-9]+$/.test(digits)
    if (isWhole && digits.length > INTEGER_DIGITS_MAX) throw this.#fail(offset, 'more digits', 'an integer of 64 bits')
    const following = this.#text[this.#at]
    if (
      following === '.' ||
      (!hexadecimal && /[eE]/.test(following ?? '') && /[-+0-9]/.test(this.#text[this.#at + 1] ?? ''))
    )
      throw this.#fail(this.#at + 1, describe(this.#text[this.#at + 1]), 'digits')
    const leadingZero = isWhole && digits.length > 1 && digits.startsWith('0')
    if (leadingZero && this.#syntax === 'old') throw this.#fail(offset, digits, 'a number without a leading zero')
    if (leadingZero && !hexadecimal && /[89]/.test(digits)) throw this.#fail(offset, digits, 'octal digits after the 0')
    const value = leadingZero
      ? BigInt(hexadecimal ?? `0o${digits}`)
      : (this.#suffixed(digits, isWhole) ?? (isWhole ? BigInt(digits) : Number(digits)))
    if (typeof value === 'number') return { type: 'real', text: digits, value: negative ? -value : value, offset }
    if (value > (negative ? INTEGER_MAX + 1n : INTEGER_MAX)) throw this.#fail(offset, digits, 'an integer of 64 bits')
    return { type: 'integer', text: digits, value: negative ? -value : value, offset }
  }

  #suffixed(digits: string, isWhole: boolean): bigint | number | undefined {
    const at = this.#at
    const letters = this.#match(LETTERS)
    const value = letters === undefined ? undefined : scaleNumber(digits, isWhole, letters)
    if (value === undefined) this.#at = at
    return value
  }

  #quoted(quote: string): string {
    if (this.#syntax === 'old') return this.#quotedOld(quote)
    let joined = ''
    for (;;) {
      joined += this.#quotedPart(quote)
      const close = this.#at
      this.#match(SPACE)
      if (this.#at >= this.#end || this.#text[this.#at] !== quote) {
        this.#at = close
        return joined
      }
    }
  }

  #quotedPart(quote: string): string {
    const offset = this.#at
    let content = ''
    let from = offset + 1
    for (let at = from; at < this.#end; at++) {
      const character = this.#text[at]
      if (character === quote) {
        this.#at = at + 1
        return content + this.#text.slice(from, at)
      }
      if (character !== '\\') continue
      if (at + 1 >= this.#end) break
      content += this.#text.slice(from, at)
      const octal = /^(?:[0-3][0-7]{2}|[0-7]{1,2})/.exec(this.#text.slice(at + 1, at + 4))?.[0]
      if (octal !== undefined && Number.parseInt(octal, 8) === 0)
        throw this.#fail(at, '`\\0`', 'a character other than NUL')
      const escaped = this.#text[at + 1]!
      content +=
        octal === undefined ? (ESCAPES.get(escaped) ?? escaped) : String.fromCharCode(Number.parseInt(octal, 8))
      at += octal?.length ?? 1
      from = at + 1
    }
    throw this.#fail(this.#end, 'the end', `\`${quote}\` to end the text that begins at offset ${offset}`)
  }

  /** A quote after a backslash is content, unless it is the last character: then the backslash is. */
  #quotedOld(quote: string): string {
    const offset = this.#at
    let content = ''
    for (let at = offset + 1; at < this.#end; at++) {
      const character = this.#text[at]!
      if (character === '\\' && this.#text[at + 1] === quote && at + 2 < this.#end) {
        content += quote
        at++
      } else if (character === quote) {
        this.#at = at + 1
        return content
      } else content += character
    }
    throw this.#fail(this.#end, 'the end', `\`${quote}\` to end the text that begins at offset ${offset}`)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0].slice(0, this.#end - this.#at)
    if (!found) return undefined
    this.#at += found.length
    return found
  }

  #fail(offset: number, found: string, expected: string): RoostError {
    return malformedAt(this.#text, Math.min(offset, this.#end), found, expected)
  }
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

function describe(character: string | undefined): string {
  return character === undefined ? 'the end' : `\`${character}\``
}
