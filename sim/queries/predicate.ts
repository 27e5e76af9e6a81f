import { RoostError } from '../../overlay/error/index.ts'

/**
 * The predicates that inventories in databases are searched with: the conditions of SQL's WHERE over one table, without
 * arithmetic, functions and sub-queries (ISO/IEC 9075-2, section 8).
 */
export type Predicate =
  | { readonly kind: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: 'not'; readonly of: Predicate }
  | { readonly kind: 'compare'; readonly column: string; readonly operator: Comparison; readonly value: Literal }
  | { readonly kind: 'like'; readonly column: string; readonly pattern: string }
  | { readonly kind: 'null'; readonly column: string }

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Literal = number | string

/** Reads one predicate. `USAGE` where it is none, with the column from 1 and what was expected. */
export function parsePredicate(text: string): Predicate {
  const parser = new Parser(text)
  const predicate = parser.disjunction(0)
  parser.end()
  return predicate
}

/** Brackets and NOTs within each other. */
const DEPTH_MAX = 64

interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

const TOKEN =
  /\s*(?:(?<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<word>[A-Za-z_][\w.]*)|"(?<name>[^"]+)"|'(?<text>(?:[^']|'')*)'|(?<sign><=|>=|<>|!=|==|[=<>(),]))/y

class Parser {
  readonly #text: string
  #next: Token

  constructor(text: string) {
    this.#text = text
    this.#next = this.#read(0)
  }

  disjunction(depth: number): Predicate {
    let left = this.#conjunction(depth)
    while (this.#takeWord('or')) left = { kind: 'or', left, right: this.#conjunction(depth) }
    return left
  }

  end(): void {
    if (this.#next.kind !== 'end') throw this.#fault('`and`, `or` or the end')
  }

  #conjunction(depth: number): Predicate {
    let left = this.#negation(depth)
    while (this.#takeWord('and')) left = { kind: 'and', left, right: this.#negation(depth) }
    return left
  }

  #negation(depth: number): Predicate {
    if (depth > DEPTH_MAX) throw this.#fault(`at most ${DEPTH_MAX} brackets within each other`)
    if (this.#takeWord('not')) return { kind: 'not', of: this.#negation(depth + 1) }
    if (!this.#takeSign('(')) return this.#condition()
    const inner = this.disjunction(depth + 1)
    if (!this.#takeSign(')')) throw this.#fault('`)`')
    return inner
  }

  #condition(): Predicate {
    const column = this.#column()
    if (this.#takeWord('is')) {
      const isNot = this.#takeWord('not')
      if (!this.#takeWord('null')) throw this.#fault('`null`')
      return not(isNot, { kind: 'null', column })
    }
    const isNot = this.#takeWord('not')
    if (this.#takeWord('between')) return not(isNot, this.#between(column))
    if (this.#takeWord('in')) return not(isNot, this.#among(column))
    if (this.#takeWord('like')) return not(isNot, { kind: 'like', column, pattern: this.#pattern() })
    if (isNot) throw this.#fault('`between`, `in` or `like`')
    return { kind: 'compare', column, operator: this.#operator(), value: this.#literal() }
  }

  #between(column: string): Predicate {
    const low = this.#literal()
    if (!this.#takeWord('and')) throw this.#fault('`and`')
    return {
      kind: 'and',
      left: { kind: 'compare', column, operator: '>=', value: low },
      right: { kind: 'compare', column, operator: '<=', value: this.#literal() },
    }
  }

  #among(column: string): Predicate {
    if (!this.#takeSign('(')) throw this.#fault('`(`')
    let any: Predicate | undefined
    do {
      const one: Predicate = { kind: 'compare', column, operator: '=', value: this.#literal() }
      any = any === undefined ? one : { kind: 'or', left: any, right: one }
    } while (this.#takeSign(','))
    if (!this.#takeSign(')')) throw this.#fault('`,` or `)`')
    return any
  }

  #column(): string {
    if (this.#next.kind !== 'word') throw this.#fault('a column')
    return this.#take().text
  }

  #operator(): Comparison {
    const operator = this.#next.kind === 'sign' ? OPERATORS.get(this.#next.text) : undefined
    if (operator === undefined) throw this.#fault('a comparison')
    this.#take()
    return operator
  }

  #literal(): Literal {
    const { kind } = this.#next
    if (kind === 'text') return this.#take().text
    if (kind === 'number') return Number(this.#take().text)
    throw this.#fault('a number or a text in single quotes')
  }

  #pattern(): string {
    if (this.#next.kind !== 'text') throw this.#fault('a pattern in single quotes')
    return this.#take().text
  }

  #takeWord(word: string): boolean {
    const { kind, text } = this.#next
    if (kind !== 'word' || text.toLowerCase() !== word) return false
    this.#take()
    return true
  }

  #takeSign(sign: string): boolean {
    if (this.#next.kind !== 'sign' || this.#next.text !== sign) return false
    this.#take()
    return true
  }

  #take(): Token {
    const token = this.#next
    this.#next = this.#read(TOKEN.lastIndex)
    return token
  }

  #read(place: number): Token {
    TOKEN.lastIndex = place
    const found = TOKEN.exec(this.#text)
    if (found === null) {
      const rest = this.#text.slice(place)
      const at = place + rest.length - rest.trimStart().length
      if (rest.trim() === '') return { kind: 'end', text: 'the end', at }
      throw fault(at, `"${rest.trim().slice(0, 10)}" is no part of a predicate`)
    }
    const { number, word, name, text, sign } = found.groups!
    const at = found.index + found[0].length - found[0].trimStart().length
    if (number !== undefined) return { kind: 'number', text: number, at }
    if (sign !== undefined) return { kind: 'sign', text: sign, at }
    if (text !== undefined) return { kind: 'text', text: text.replaceAll("''", "'"), at }
    return { kind: 'word', text: (word ?? name)!, at }
  }

  #fault(expected: string): RoostError {
    return fault(this.#next.at, `expected ${expected}, not ${this.#next.text}`)
  }
}

const OPERATORS: ReadonlyMap<string, Comparison> = new Map([
  ['=', '='],
  ['==', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
])

function not(isNot: boolean, of: Predicate): Predicate {
  return isNot ? { kind: 'not', of } : of
}

function fault(at: number, message: string): RoostError {
  return new RoostError('USAGE', `column ${at + 1}: ${message}`, { column: at + 1 })
}
