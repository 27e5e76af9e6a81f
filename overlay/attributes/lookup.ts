import type { Attributes, AttributeValue } from './attributes.ts'
import { attributeAlias } from './table.ts'

/** One index for each attribute table that was ever asked, gone with the table. */
const indexes = new WeakMap<Attributes, ReadonlyMap<string, AttributeValue>>()

/** The value of a name in any case; a GLUE or JSDL name gives the value in that standard's unit. */
export function attributeOf(attributes: Attributes, name: string): AttributeValue | undefined {
  const index = indexOf(attributes)
  const own = index.get(name.toLowerCase())
  if (own !== undefined) return own
  const alias = attributeAlias(name)
  if (alias === undefined) return undefined
  const value = index.get(alias.name.toLowerCase())
  return value === undefined || alias.convert === undefined ? value : alias.convert(value)
}

/** Labels that begin with this name and a dot, by what follows it, in lower case: `gpu` finds `gpu.driver` as `driver`. */
export function attributesUnder(attributes: Attributes, prefix: string): [rest: string, value: AttributeValue][] {
  const start = `${prefix.toLowerCase()}.`
  return [...indexOf(attributes)].flatMap(([key, value]) =>
    key.startsWith(start) ? [[key.slice(start.length), value]] : [],
  )
}

/** Whether both tables say the same, whatever their order. */
export function equalAttributes(one: Attributes, other: Attributes): boolean {
  if (one === other) return true
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && equalValues(one[name]!, other[name]!))
  )
}

function equalValues(one: AttributeValue, other: AttributeValue): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return Object.is(one, other)
  return one.length === other.length && one.every((member, index) => member === other[index])
}

function indexOf(attributes: Attributes): ReadonlyMap<string, AttributeValue> {
  let index = indexes.get(attributes)
  if (index === undefined) {
    index = new Map(Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), value]))
    indexes.set(attributes, index)
  }
  return index
}
