import { RoostError } from '../error/index.ts'
import { Ad } from './ad.ts'
import {
  AD_CHARS_MAX,
  AD_NODES_MAX,
  EXPRESSION_CHARS_MAX,
  EXPRESSION_HEIGHT_MAX,
  EXPRESSION_NODES_MAX,
  NESTING_DEPTH_MAX,
} from './bounds.ts'
import { foldCall, WRITTEN_ERROR } from './fold.ts'
import { malformedAt, tokenize, type Syntax, type Token } from './lexer.ts'
import {
  BINARY_LEVELS,
  childrenOf,
  SCOPE_NAMES,
  type AdEntry,
  type AdNode,
  type BinaryOperator,
  type Expression,
  type UnaryOperator,
} from './syntax.ts'

export interface ParseOptions {
  /** `old` for expressions out of ads in the old syntax: a backslash in a string stands for itself. */
  readonly syntax?: Syntax
  /** Refuse calls of functions that are not in this set (in lower case), as an expression typed by a person should. */
  readonly functions?: ReadonlySet<string>
}

export interface ParseAdOptions extends ParseOptions {
  /** Also take an ad without its outermost brackets, as JDL files write it. */
  readonly brackets?: 'required' | 'optional'
}

/**
 * One whole expression. Throws `EXPRESSION_MALFORMED` with line and column from 1 and `data.expected`, or
 * `EXPRESSION_TOO_LARGE` beyond `EXPRESSION_CHARS_MAX`, `EXPRESSION_NODES_MAX`, `EXPRESSION_HEIGHT_MAX` or
 * `NESTING_DEPTH_MAX`.
 */
export function parseExpression(text: string, options: ParseOptions = {}): Expression {
  refuseLongText(text, EXPRESSION_CHARS_MAX)
  return parseExpressionWithin(text, 0, text.length, options)
}

/** The expression that fills `text` from `start` to `end`; errors are placed in the whole text. */
export function parseExpressionWithin(text: string, start: number, end: number, options: ParseOptions): Expression {
  const parser = new Parser(text, tokenize(text, options.syntax, start, end), options)
  const expression = parser.expression()
  parser.expectEnd()
  return expression
}

/** One ad in the new syntax, `[ a = 1; b = a + 1 ]`. Throws as `parseExpression` does; the text may be `AD_CHARS_MAX` long. */
export function parseAd(text: string, options: ParseAdOptions = {}): Ad {
  refuseLongText(text, AD_CHARS_MAX)
  const parser = new Parser(text, tokenize(text, options.syntax), options, AD_NODES_MAX)
  const bare = options.brackets === 'optional' && !parser.at('[')
  const ad = bare ? parser.entriesUntil('end') : parser.ad()
  while (options.brackets === 'optional' && parser.skip(';'));
  parser.expectEnd()
  return new Ad(ad)
}

/** Any number of ads in the new syntax, one after the other, with or without commas between them. */
export function parseAds(text: string, options: ParseOptions = {}): Ad[] {
  refuseLongText(text, AD_CHARS_MAX)
  const parser = new Parser(text, tokenize(text, options.syntax), options, AD_NODES_MAX)
  const ads: Ad[] = []
  while (!parser.atEnd()) {
    ads.push(new Ad(parser.ad()))
    parser.skip(',')
  }
  return ads
}

export function refuseLongText(text: string, charsMax: number): void {
  if (text.length > charsMax) throw tooLarge(`its text has ${text.length} characters`, charsMax)
}

function tooLarge(what: string, limit: number): RoostError {
  return new RoostError('EXPRESSION_TOO_LARGE', `the expression is too large: ${what}, at most ${limit} are allowed`, {
    data: { limit },
  })
}

/** What an error message shows of a token. */
const FOUND_CHARS_MAX = 40

/** Recursive descent with precedence climbing; `#heights` keeps the height of every node on the way up. */
class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #options: ParseOptions
  readonly #heights = new WeakMap<Expression, number>()
  readonly #nodesMax: number
  #at = 0
  #nestingDepth = 0
  #nodeCount = 0

  constructor(text: string, tokens: readonly Token[], options: ParseOptions, nodesMax = EXPRESSION_NODES_MAX) {
    this.#nodesMax = nodesMax
    this.#text = text
    this.#tokens = tokens
    this.#options = options
  }

  at(operator: string): boolean {
    const token = this.#peek()
    return token.type === 'operator' && token.text === operator
  }

  atEnd(): boolean {
    return this.#peek().type === 'end'
  }

  skip(operator: string): boolean {
    if (!this.at(operator)) return false
    this.#at++
    return true
  }

  expectEnd(): void {
    if (!this.atEnd()) throw this.#unexpected('an operator or the end')
  }

  expression(): Expression {
    return this.#nested(() => {
      const condition = this.#binary(0)
      if (!this.skip('?')) return condition
      const then = this.expression()
      this.#expect(':', '`:`')
      return this.#node({ kind: 'conditional', condition, then, otherwise: this.expression() })
    })
  }

  ad(): AdNode {
    this.#expect('[', '`[`')
    const ad = this.#nested(() => this.entriesUntil(']'))
    this.#expect(']', '`;` or `]`')
    return ad
  }

  entriesUntil(close: ']' | 'end'): AdNode {
    const entries = new Map<string, AdEntry>()
    const closed = (): boolean => (close === 'end' ? this.atEnd() : this.at(close))
    while (!closed()) {
      if (this.skip(';')) continue
      const token = this.#peek()
      if (token.type !== 'name') throw this.#unexpected(close === 'end' ? 'a name' : 'a name or `]`')
      this.#at++
      this.#expect('=', '`=`')
      entries.set(token.text.toLowerCase(), { name: token.text, expression: this.expression() })
      if (!closed() && !this.at(';')) throw this.#unexpected(close === 'end' ? '`;` or the end' : '`;` or `]`')
    }
    return this.#node({ kind: 'ad', entries: [...entries.values()] })
  }

  #binary(level: number): Expression {
    const operators = BINARY_LEVELS[level]
    if (operators === undefined) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const token = this.#peek()
      if (token.type !== 'operator' || !operators.includes(token.text as BinaryOperator)) return left
      this.#at++
      left = this.#node({
        kind: 'binary',
        operator: token.text as BinaryOperator,
        left,
        right: this.#binary(level + 1),
      })
    }
  }

  #unary(): Expression {
    const token = this.#peek()
    if (token.type !== 'operator' || !['-', '+', '!', '~'].includes(token.text)) return this.#postfix()
    this.#at++
    const operand = this.#nested(() => this.#unary())
    return this.#node({ kind: 'unary', operator: token.text as UnaryOperator, operand })
  }

  #postfix(): Expression {
    let from = this.#primary()
    for (;;) {
      if (this.skip('[')) {
        from = this.#node({ kind: 'subscript', from, index: this.expression() })
        this.#expect(']', '`]`')
      } else if (this.skip('.')) from = this.#select(from)
      else if (this.skip('?:')) {
        const left = from
        from = this.#node({ kind: 'binary', operator: '?:', left, right: this.#nested(() => this.#unary()) })
      } else return from
    }
  }

  #select(from: Expression): Expression {
    return this.#node({ kind: 'select', from, name: this.#name() })
  }

  #primary(): Expression {
    const token = this.#peek()
    switch (token.type) {
      case 'integer':
      case 'real':
      case 'boolean':
        this.#at++
        return this.#node({ kind: 'literal', value: token.value })
      case 'string':
        this.#at++
        return this.#node({ kind: 'literal', value: token.text })
      case 'undefined':
        this.#at++
        return this.#node({ kind: 'literal', value: undefined })
      case 'error':
        this.#at++
        return this.#node({ kind: 'literal', value: WRITTEN_ERROR })
      case 'name':
        this.#at++
        return this.#named(token)
      case 'operator':
        return this.#bracketed(token)
      case 'end':
        throw this.#unexpected('an expression')
    }
  }

  #named(token: Token): Expression {
    if (this.at('(') && !token.quoted) return this.#call(token)
    const scope = token.quoted ? undefined : SCOPE_NAMES.get(token.text.toLowerCase())
    if (scope === undefined || !this.skip('.'))
      return this.#node({ kind: 'attribute', scope: 'near', name: token.text })
    return this.#node({ kind: 'attribute', scope, name: this.#name() })
  }

  #call(token: Token): Expression {
    const { functions } = this.#options
    if (functions && !functions.has(token.text.toLowerCase()))
      throw malformedAt(this.#text, token.offset, `\`${token.text}\``, 'the name of a function')
    this.#at++
    const values = this.#separated(')')
    return this.#node(foldCall({ kind: 'call', name: token.text, arguments: values }))
  }

  #bracketed(token: Token): Expression {
    switch (token.text) {
      case '.':
        this.#at++
        return this.#node({ kind: 'attribute', scope: 'root', name: this.#name() })
      case '(': {
        this.#at++
        const inner = this.expression()
        this.#expect(')', 'an operator or `)`')
        return inner
      }
      case '{':
        this.#at++
        return this.#node({ kind: 'list', items: this.#separated('}') })
      case '[':
        return this.ad()
      default:
        throw this.#unexpected('an expression')
    }
  }

  #separated(close: ')' | '}'): Expression[] {
    const items: Expression[] = []
    while (!this.skip(close)) {
      items.push(this.expression())
      if (this.skip(close)) break
      this.#expect(',', `\`,\` or \`${close}\``)
    }
    return items
  }

  #name(): string {
    const token = this.#peek()
    if (token.type !== 'name') throw this.#unexpected('a name')
    this.#at++
    return token.text
  }

  #nested<Result>(parse: () => Result): Result {
    if (++this.#nestingDepth > NESTING_DEPTH_MAX) throw tooLarge('it is nested too deep', NESTING_DEPTH_MAX)
    const result = parse()
    this.#nestingDepth--
    return result
  }

  #node<Node extends Expression>(node: Node): Node {
    if (++this.#nodeCount > this.#nodesMax) throw tooLarge('it has too many parts', this.#nodesMax)
    let height = 1
    for (const child of childrenOf(node)) height = Math.max(height, 1 + (this.#heights.get(child) ?? 0))
    if (height > EXPRESSION_HEIGHT_MAX) throw tooLarge('its chain of operators is too long', EXPRESSION_HEIGHT_MAX)
    this.#heights.set(node, height)
    return node
  }

  #peek(): Token {
    return this.#tokens[this.#at]!
  }

  #expect(operator: string, expected: string): void {
    if (!this.skip(operator)) throw this.#unexpected(expected)
  }

  #unexpected(expected: string): RoostError {
    const token = this.#peek()
    const found = token.type === 'end' ? 'the end' : `\`${this.#source(token)}\``
    return malformedAt(this.#text, token.offset, found, expected)
  }

  #source(token: Token): string {
    const shown = token.text.length > FOUND_CHARS_MAX ? `${token.text.slice(0, FOUND_CHARS_MAX)}...` : token.text
    return token.type === 'string' ? `"${shown}"` : shown
  }
}
