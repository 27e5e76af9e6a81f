import { asRoostError, nearest, parseExpression, RoostError } from '../../overlay/index.ts'

/** Keys and list positions from the top of a description to a place in it. */
export type FieldPath = readonly (string | number)[]

export function malformedJob(path: FieldPath, message: string): RoostError {
  return new RoostError('JOB_MALFORMED', path.length === 0 ? message : `${path.join('.')}: ${message}`, {
    data: { path },
  })
}

interface ListBounds {
  readonly countMax: number
  readonly charsMax: number
}

/**
 * Reads one table of a description, field by field, and remembers which fields it was asked for: what is left over at the end is a
 * mistake of who wrote it, and is refused with the nearest name that would have been right. A field that is `null` (YAML: nothing behind
 * the colon) counts as absent.
 */
export class FieldReader {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #path: FieldPath
  readonly #known = new Set<string>()

  private constructor(fields: Readonly<Record<string, unknown>>, path: FieldPath) {
    this.#fields = fields
    this.#path = path
  }

  static of(value: unknown, path: FieldPath, expected: string): FieldReader {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      throw malformedJob(path, expected)
    return new FieldReader(value as Record<string, unknown>, path)
  }

  names(): string[] {
    return Object.keys(this.#fields)
  }

  take(name: string): unknown {
    this.#known.add(name)
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined
  }

  table(name: string): FieldReader | undefined {
    const value = this.take(name)
    return value === undefined ? undefined : FieldReader.of(value, [...this.#path, name], 'a table is expected here')
  }

  text(name: string, charsMax: number): string | undefined {
    const value = this.take(name)
    return value === undefined ? undefined : this.#text(value, [name], charsMax)
  }

  /** Text, or a number or truth value as it is written. */
  scalar(name: string, charsMax: number): string {
    const value = this.take(name)
    const isWord = typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    return this.#text(isWord ? String(value) : (value ?? ''), [name], charsMax)
  }

  texts(name: string, bounds: ListBounds): string[] {
    const value = this.take(name)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.#fault([name], 'a list is expected here')
    if (value.length > bounds.countMax)
      throw this.#fault([name], `a list of at most ${bounds.countMax} is expected here`)
    return value.map((item: unknown, index) => this.#text(item, [name, index], bounds.charsMax))
  }

  /** Relative paths that stay inside the sandbox. */
  paths(name: string, bounds: ListBounds): string[] {
    return this.texts(name, bounds).map((path, index) => this.#insidePath(path, [name, index]))
  }

  optionalPath(name: string, charsMax: number): string | undefined {
    const path = this.text(name, charsMax)
    return path === undefined ? undefined : this.#insidePath(path, [name])
  }

  count(name: string, max: number): number | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > max)
      throw this.#fault([name], `a whole number from 1 to ${max} is expected here`)
    return value
  }

  quantity(name: string, parse: (value: unknown) => number | undefined, expected: string): number | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    const quantity = parse(value)
    if (quantity === undefined) throw this.#fault([name], `${expected} is expected here`)
    return quantity
  }

  /** A ClassAd expression, as text; a syntax error keeps its line and column inside the text. */
  expression(name: string, charsMax: number): string | undefined {
    const text = this.text(name, charsMax)
    if (text === undefined) return undefined
    try {
      // That something is missing at the end is told where the text ends, not on an empty line below it.
      parseExpression(text.trimEnd())
    } catch (thrown) {
      const error = asRoostError(thrown)
      const path = [...this.#path, name]
      throw new RoostError(error.code, `${path.join('.')}: ${error.message}`, {
        cause: error,
        data: { ...error.data, path },
        ...(error.line !== undefined && { line: error.line }),
        ...(error.column !== undefined && { column: error.column }),
      })
    }
    return text
  }

  /** Refuses every field that nobody asked for. */
  refuseOthers(unsupported: Readonly<Record<string, string>>): void {
    for (const name of this.names()) {
      if (this.#known.has(name) || this.#fields[name] === undefined) continue
      const path = [...this.#path, name]
      if (Object.hasOwn(unsupported, name))
        throw new RoostError(
          'JOB_FIELD_UNSUPPORTED',
          `${path.join('.')}: this version does not do ${unsupported[name]}`,
          {
            data: { path, at: 'key' },
          },
        )
      const guess = nearest(name, [...this.#known])
      const hint = guess === undefined ? `known here: ${[...this.#known].join(', ')}` : `did you mean \`${guess}\`?`
      throw new RoostError('JOB_MALFORMED', `${path.join('.')}: no such field`, { data: { path, at: 'key' }, hint })
    }
  }

  #text(value: unknown, path: FieldPath, charsMax: number): string {
    if (typeof value !== 'string') throw this.#fault(path, 'text is expected here')
    if (value.length > charsMax) throw this.#fault(path, `text of at most ${charsMax} characters is expected here`)
    // Neither a program's arguments nor a path can hold a zero byte.
    if (value.includes('\0')) throw this.#fault(path, 'text without zero bytes is expected here')
    return value
  }

  #insidePath(path: string, at: FieldPath): string {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    if (path.startsWith('/') || parts.includes('..') || parts.length === 0)
      throw this.#fault(at, 'a relative path that stays inside the sandbox is expected here')
    return parts.join('/')
  }

  #fault(path: FieldPath, message: string): RoostError {
    return malformedJob([...this.#path, ...path], message)
  }
}
