import { RoostError } from '../error/index.ts'
import { shape } from '../env/index.ts'
import type { Attributes, AttributeValue } from './attributes.ts'
import { knownAttribute, type AttributeKind } from './table.ts'

/** Attributes of one node, its labels included. */
export const ATTRIBUTE_COUNT_MAX = 96
export const ATTRIBUTE_NAME_CHARS_MAX = 64
/** A text, a version, or one member of a set. */
export const ATTRIBUTE_TEXT_CHARS_MAX = 256
export const ATTRIBUTE_SET_COUNT_MAX = 128
/** All names and texts of one node together: what its descriptor costs everyone who keeps it. */
export const ATTRIBUTES_CHARS_MAX = 6_144

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$/
const text = shape.text(ATTRIBUTE_TEXT_CHARS_MAX)
const set = shape.list(text, ATTRIBUTE_SET_COUNT_MAX)

/** Letters, digits and `_`, in parts separated by `.`, not beginning with a digit. */
export function isAttributeName(name: string): boolean {
  return name.length <= ATTRIBUTE_NAME_CHARS_MAX && NAME.test(name)
}

const value: shape.Shape<AttributeValue> = (entry, path) => {
  if (typeof entry === 'number') return shape.real(entry, path)
  if (typeof entry === 'boolean') return entry
  if (typeof entry === 'string') return text(entry, path)
  if (Array.isArray(entry)) return set(entry, path)
  throw shape.malformed(path, 'a number, a text, true or false, or a list of texts')
}

const table = shape.table(value, { countMax: ATTRIBUTE_COUNT_MAX, keyCharsMax: ATTRIBUTE_NAME_CHARS_MAX })

/**
 * Attributes from a message: names, counts and lengths within their bounds, known names with values of their kind, no name
 * twice in different spelling.
 */
export const readAttributes: shape.Shape<Attributes> = (entries, path) => {
  const attributes = table(entries, path)
  const keys = new Set<string>()
  let chars = 0
  for (const [name, entry] of Object.entries(attributes)) {
    const place = `${path}.${name}`
    if (!isAttributeName(name)) throw shape.malformed(place, 'a name of letters, digits, `_` and `.`')
    const key = name.toLowerCase()
    if (keys.has(key)) throw shape.malformed(place, 'each name once')
    keys.add(key)
    const kind = knownAttribute(name)?.kind
    if (kind !== undefined && !isOfKind(entry, kind)) throw shape.malformed(place, `a value of kind ${kind}`)
    chars += name.length + charCount(entry)
    if (chars > ATTRIBUTES_CHARS_MAX) throw shape.malformed(path, `at most ${ATTRIBUTES_CHARS_MAX} characters together`)
  }
  return attributes
}

/** The same check for what an operator or a plugin of this node gives: `ATTRIBUTE_INVALID` says what is wrong with it. */
export function checkAttributes(entries: unknown): Attributes {
  try {
    return readAttributes(entries, 'attributes')
  } catch (cause) {
    if (!(cause instanceof RoostError)) throw cause
    throw new RoostError('ATTRIBUTE_INVALID', cause.message, { cause })
  }
}

function isOfKind(entry: AttributeValue, kind: AttributeKind): boolean {
  switch (kind) {
    case 'integer':
      return typeof entry === 'number' && Number.isSafeInteger(entry)
    case 'real':
      return typeof entry === 'number'
    case 'text':
    case 'version':
      return typeof entry === 'string'
    case 'boolean':
      return typeof entry === 'boolean'
    case 'set':
      return Array.isArray(entry)
  }
}

function charCount(entry: AttributeValue): number {
  if (typeof entry === 'string') return entry.length
  if (typeof entry === 'object') return entry.reduce((sum, member) => sum + member.length, 0)
  return 8
}
