import { PATTERN_COUNT_MAX, PATTERN_DEPTH_MAX } from './bounds.ts'
import { anyOf, classEscape, exactly, posixClass, range } from './classes.ts'
import { PatternFault, type Accepts, type AssertionName, type PatternNode, type PatternOptions } from './syntax.ts'

export interface ParsedPattern {
  readonly root: PatternNode
  /** Groups that remember what they matched; they are numbered from 1. */
  readonly groupCount: number
}

/** The syntax of PCRE but for what a linear engine cannot do; throws `PatternFault` with the reason. */
export function parsePattern(text: string, options: PatternOptions): ParsedPattern {
  const parser = new PatternParser(text, options)
  const root = parser.alternatives()
  if (!parser.atEnd) throw new PatternFault('there is a `)` without its `(`')
  return { root, groupCount: parser.groupCount }
}

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['e', 0x1b],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['v', 0x0b],
])

const ASSERTION_ESCAPES: ReadonlyMap<string, AssertionName> = new Map([
  ['A', 'text-start'],
  ['z', 'text-end'],
  ['Z', 'text-end-or-last-newline'],
  ['b', 'word-border'],
  ['B', 'no-word-border'],
])

class PatternParser {
  readonly #text: string
  #options: PatternOptions
  #at = 0
  #depth = 0
  groupCount = 0

  constructor(text: string, options: PatternOptions) {
    this.#text = text
    this.#options = options
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Options that a group sets hold to its end. */
  alternatives(): PatternNode {
    if (++this.#depth > PATTERN_DEPTH_MAX) throw new PatternFault(`groups are more than ${PATTERN_DEPTH_MAX} deep`)
    const outerOptions = this.#options
    const options = [this.#sequence()]
    while (this.#skip('|')) options.push(this.#sequence())
    this.#options = outerOptions
    this.#depth--
    return options.length === 1 ? options[0]! : { kind: 'alternatives', options }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    for (;;) {
      this.#skipExtended()
      if (this.atEnd || this.#peek() === '|' || this.#peek() === ')') break
      if (this.#skip('\\Q')) {
        const run = this.#literalRun()
        const last = run.pop()
        parts.push(...run)
        if (last !== undefined) parts.push(this.#repeated(last))
        continue
      }
      const atom = this.#atom()
      if (atom !== undefined) parts.push(this.#repeated(atom))
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts }
  }

  #skipExtended(): void {
    while (this.#options.extended && !this.atEnd) {
      if (/\s/.test(this.#peek())) this.#at++
      else if (this.#peek() === '#') this.#at = this.#after('\n')
      else return
    }
  }

  #after(mark: string): number {
    const found = this.#text.indexOf(mark, this.#at)
    return found === -1 ? this.#text.length : found + mark.length
  }

  #literalRun(): PatternNode[] {
    const from = this.#at
    this.#at = this.#after('\\E')
    const literal = this.#text.slice(from, this.#at).replace(/\\E$/, '')
    return [...literal].map((character) => this.#literal(character.codePointAt(0)!))
  }

  #literal(codePoint: number): PatternNode {
    return one(exactly(codePoint, this.#options.ignoreCase))
  }

  #atom(): PatternNode | undefined {
    const codePoint = this.#take()
    switch (String.fromCodePoint(codePoint)) {
      case '.':
        return one(this.#options.dotAll ? () => true : isNoNewline)
      case '^':
        return { kind: 'assertion', holds: this.#options.multiline ? 'line-start' : 'text-start' }
      case '$':
        return { kind: 'assertion', holds: this.#options.multiline ? 'line-end' : 'text-end-or-last-newline' }
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        throw new PatternFault('a quantifier has nothing before it')
    }
    return this.#literal(codePoint)
  }

  #group(): PatternNode | undefined {
    if (!this.#skip('?')) return this.#captured()
    if (this.#skip('#')) {
      this.#at = this.#after(')')
      return undefined
    }
    if (this.#skip(':')) return this.#closed(this.alternatives())
    if (/^(?:[=!>|&R0-9(+]|<[=!])/.test(this.#text.slice(this.#at, this.#at + 2)))
      throw new PatternFault(
        'look-around, atomic groups, conditions and recursion are not supported: they have no linear time',
      )
    const name = /^(?:P?<|')[A-Za-z_][A-Za-z0-9_]*[>']/.exec(this.#text.slice(this.#at))
    if (name) {
      this.#at += name[0].length
      return this.#captured()
    }
    return this.#optionGroup()
  }

  #captured(): PatternNode {
    const index = ++this.groupCount
    return this.#closed({ kind: 'group', index, body: this.alternatives() })
  }

  #closed(node: PatternNode): PatternNode {
    if (!this.#skip(')')) throw new PatternFault('a group has no end')
    return node
  }

  /** `(?i)` to the end of the group around it, `(?i:...)` within itself. */
  #optionGroup(): PatternNode | undefined {
    const letters = /^([imsx]*)(?:-([imsx]*))?([:)])/.exec(this.#text.slice(this.#at, this.#at + 20))
    if (!letters) throw new PatternFault('after `(?` stands something unknown')
    this.#at += letters[0].length
    const outer = this.#options
    this.#options = withOptions(withOptions(outer, letters[1]!, true), letters[2] ?? '', false)
    if (letters[3] === ')') return undefined
    const body = this.#closed(this.alternatives())
    this.#options = outer
    return body
  }

  #repeated(atom: PatternNode): PatternNode {
    this.#skipExtended()
    const counts = this.#quantifier()
    if (counts === undefined) return atom
    const [countMin, countMax] = counts
    const lazy = this.#skip('?')
    if (!lazy && this.#skip('+'))
      throw new PatternFault('possessive quantifiers are not supported: they have no linear time')
    if (this.#quantifier() !== undefined) throw new PatternFault('a quantifier stands on a quantifier')
    return { kind: 'repeat', body: atom, countMin, countMax, lazy }
  }

  #quantifier(): [number, number] | undefined {
    if (this.#skip('*')) return [0, Infinity]
    if (this.#skip('+')) return [1, Infinity]
    if (this.#skip('?')) return [0, 1]
    const counted = /^\{([0-9]{1,9})(?:(,)([0-9]{1,9})?)?\}/.exec(this.#text.slice(this.#at, this.#at + 24))
    if (!counted) return undefined
    this.#at += counted[0].length
    const countMin = Number(counted[1])
    const countMax = counted[2] === undefined ? countMin : counted[3] === undefined ? Infinity : Number(counted[3])
    if (countMax < countMin) throw new PatternFault('a quantifier ends before it begins')
    if (countMin > PATTERN_COUNT_MAX || (countMax !== Infinity && countMax > PATTERN_COUNT_MAX))
      throw new PatternFault(`a quantifier counts beyond ${PATTERN_COUNT_MAX}`)
    return [countMin, countMax]
  }

  #escape(): PatternNode | undefined {
    if (this.atEnd) throw new PatternFault('a pattern ends with a backslash')
    const letter = this.#peek()
    if (letter === 'E') {
      this.#at++
      return undefined
    }
    const holds = ASSERTION_ESCAPES.get(letter)
    if (holds !== undefined) {
      this.#at++
      return { kind: 'assertion', holds }
    }
    const set = classEscape(letter)
    if (set !== undefined) {
      this.#at++
      return one(set)
    }
    if (letter === 'N') {
      this.#at++
      return one(isNoNewline)
    }
    if (/[1-9gk]/.test(letter)) throw new PatternFault('back references are not supported: they have no linear time')
    return this.#literal(this.#escapedCodePoint())
  }

  /** After the backslash: the one character that is meant. */
  #escapedCodePoint(): number {
    const rest = this.#text.slice(this.#at, this.#at + 12)
    const hexadecimal = /^x(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{0,2}))/.exec(rest)
    const octal = /^0[0-7]{0,2}/.exec(rest)
    const spelled = hexadecimal ?? octal
    if (spelled) {
      this.#at += spelled[0].length
      const codePoint = octal
        ? Number.parseInt(octal[0], 8)
        : Number.parseInt(hexadecimal![1] ?? (hexadecimal![2] || '0'), 16)
      if (codePoint > 0x10_ffff) throw new PatternFault('a character beyond Unicode')
      return codePoint
    }
    const codePoint = this.#take()
    const character = String.fromCodePoint(codePoint)
    if (character === 'c' && !this.atEnd) return this.#take() & 0x1f
    const control = CONTROL_ESCAPES.get(character)
    if (control !== undefined) return control
    if (/[A-Za-z]/.test(character)) throw new PatternFault(`\`\\${character}\` means nothing in a pattern`)
    return codePoint
  }

  #class(): PatternNode {
    const { ignoreCase } = this.#options
    const negated = this.#skip('^')
    const parts: Accepts[] = []
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      if (this.atEnd) throw new PatternFault('a class has no end')
      const posix = /^\[:(\^?[a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 16))
      if (posix) {
        this.#at += posix[0].length
        parts.push(posixClass(posix[1]!, ignoreCase))
        continue
      }
      const first = this.#classMember()
      if (typeof first !== 'number') {
        parts.push(first)
        continue
      }
      const last = this.#rangeEnd()
      if (last === undefined) parts.push(exactly(first, ignoreCase))
      else if (last < first) throw new PatternFault('a range in a class ends before it begins')
      else parts.push(range(first, last, ignoreCase))
    }
    this.#at++
    return { kind: 'character', accepts: anyOf(parts, negated), weight: parts.length }
  }

  #classMember(): number | Accepts {
    if (!this.#skip('\\')) return this.#take()
    if (this.atEnd) throw new PatternFault('a class has no end')
    const letter = this.#peek()
    const set = classEscape(letter)
    if (set !== undefined) {
      this.#at++
      return set
    }
    if (letter === 'b') {
      this.#at++
      return 0x08
    }
    const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#at, this.#at + 3))
    if (octal) {
      this.#at += octal[0].length
      return Number.parseInt(octal[0], 8)
    }
    return this.#escapedCodePoint()
  }

  /** A hyphen before the end of the class, or before a set, is itself. */
  #rangeEnd(): number | undefined {
    if (this.#peek() !== '-' || this.#at + 1 >= this.#text.length || this.#text[this.#at + 1] === ']') return undefined
    const before = this.#at
    this.#at++
    const last = this.#classMember()
    if (typeof last === 'number') return last
    this.#at = before
    return undefined
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #skip(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false
    this.#at += mark.length
    return true
  }

  #take(): number {
    const codePoint = this.#text.codePointAt(this.#at)!
    this.#at += codePoint > 0xffff ? 2 : 1
    return codePoint
  }
}

function one(accepts: Accepts): PatternNode {
  return { kind: 'character', accepts, weight: 1 }
}

const isNoNewline: Accepts = (candidate) => candidate !== 0x0a

function withOptions(options: PatternOptions, letters: string, value: boolean): PatternOptions {
  return {
    ignoreCase: letters.includes('i') ? value : options.ignoreCase,
    multiline: letters.includes('m') ? value : options.multiline,
    dotAll: letters.includes('s') ? value : options.dotAll,
    extended: letters.includes('x') ? value : options.extended,
  }
}
