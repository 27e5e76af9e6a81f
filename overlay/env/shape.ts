import { RoostError } from '../error/index.ts'

/**
 * Shapes: how bytes from a peer become typed values. A shape takes anything and gives the value or throws
 * `MESSAGE_MALFORMED` with the path to the fault. Lengths are checked before anything is copied; unknown fields are skipped.
 */
export type Shape<Value> = (value: unknown, path: string) => Value

export type ShapeOf<S> = S extends Shape<infer Value> ? Value : never

export function malformed(path: string, expected: string): RoostError {
  return new RoostError('MESSAGE_MALFORMED', `${path}: expected ${expected}`, { data: { path } })
}

export const boolean: Shape<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false')
  return value
}

/** Text of at most `charsMax` UTF-16 units. */
export function text(charsMax: number): Shape<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length > charsMax)
      throw malformed(path, `text of at most ${charsMax} characters`)
    return value
  }
}

/** A whole number; by default any that is safe and not negative. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      throw malformed(path, `a whole number from ${min} to ${max}`)
    return value
  }
}

/** A finite number. */
export const real: Shape<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(path, 'a finite number')
  return value
}

export function bytes(bytesMax: number): Shape<Uint8Array> {
  return (value, path) => {
    if (!(value instanceof Uint8Array) || value.length > bytesMax) throw malformed(path, `at most ${bytesMax} bytes`)
    return value
  }
}

export function list<Item>(item: Shape<Item>, countMax: number): Shape<readonly Item[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > countMax) throw malformed(path, `a list of at most ${countMax}`)
    return value.map((entry, index) => item(entry, `${path}[${index}]`))
  }
}

/** A table from text to values. It has no prototype, so that no key of a peer's means anything to the language. */
export function table<Value>(
  value: Shape<Value>,
  limits: { countMax: number; keyCharsMax: number },
): Shape<Readonly<Record<string, Value>>> {
  return (entries, path) => {
    if (!isRecord(entries)) throw malformed(path, 'a table')
    const keys = Object.keys(entries)
    if (keys.length > limits.countMax) throw malformed(path, `at most ${limits.countMax} entries`)
    const result: Record<string, Value> = Object.create(null)
    for (const key of keys) {
      if (key.length > limits.keyCharsMax) throw malformed(path, `keys of at most ${limits.keyCharsMax} characters`)
      result[key] = value(entries[key], `${path}.${key}`)
    }
    return result
  }
}

export function oneOf<const Value extends string>(...values: readonly Value[]): Shape<Value> {
  return (value, path) => {
    if (!values.includes(value as Value)) throw malformed(path, `one of ${values.join(', ')}`)
    return value as Value
  }
}

export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : shape(value, path))
}

type Fields = Readonly<Record<string, Shape<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: undefined extends ShapeOf<F[K]> ? K : never }[keyof F]
type RecordOf<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: ShapeOf<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: Exclude<ShapeOf<F[K]>, undefined>
}

/** An object with these fields; an absent optional field stays absent. */
export function record<const F extends Fields>(fields: F): Shape<RecordOf<F>> {
  const entries = Object.entries(fields)
  return (value, path) => {
    if (!isRecord(value)) throw malformed(path, 'an object')
    const result: Record<string, unknown> = {}
    for (const [name, shape] of entries) {
      const field = shape(Object.hasOwn(value, name) ? value[name] : undefined, `${path}.${name}`)
      if (field !== undefined) result[name] = field
    }
    return result as RecordOf<F>
  }
}

type UnionOf<M extends Readonly<Record<string, Shape<object>>>> = {
  [Type in keyof M & string]: { readonly type: Type } & ShapeOf<M[Type]>
}[keyof M & string]

/** A union told apart by `type`. An unknown type is refused. */
export function union<const M extends Readonly<Record<string, Shape<object>>>>(members: M): Shape<UnionOf<M>> {
  return (value, path) => {
    if (!isRecord(value)) throw malformed(path, 'an object')
    const type = value['type']
    if (typeof type !== 'string' || !Object.hasOwn(members, type))
      throw malformed(`${path}.type`, `one of ${Object.keys(members).join(', ')}`)
    return { ...members[type]!(value, path), type } as unknown as UnionOf<M>
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** The bounds of names that stand in every message. A base58 ed25519 peer id has 52 characters, an RSA one 46. */
export const peerId: Shape<string> = (value, path) => {
  if (typeof value !== 'string' || value.length > 64 || !/^[1-9A-HJ-NP-Za-km-z]{40,64}$/.test(value))
    throw malformed(path, 'a peer id')
  return value
}
