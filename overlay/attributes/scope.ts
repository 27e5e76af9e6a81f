import { Ad, type Expression, type Scope, type Value } from '../classad/index.ts'
import type { Attributes, AttributeValue } from './attributes.ts'
import { attributeOf, attributesUnder } from './lookup.ts'
import { knownAttribute, resolvedName } from './table.ts'

/** One scope for each attribute table that was ever asked, gone with the table. */
const scopes = new WeakMap<Attributes, Scope>()

/**
 * Attributes as a ClassAd expression sees them. Numbers of known integer attributes are integers and of known real ones
 * reals; of labels, whole numbers are integers. A set is a list of text. GLUE and JSDL names give values in their own units.
 *
 * A label with dots is read plainly, `gpu.driver >= 550`, or as one quoted name, `'gpu.driver' >= 550`. For the first, `gpu` is
 * an ad of all labels that begin with `gpu.`; an attribute that is itself called `gpu` hides it, and then only the quoted
 * name works.
 */
export function scopeOf(attributes: Attributes): Scope {
  let scope = scopes.get(attributes)
  if (scope === undefined) {
    const values = new Map<string, Value>()
    scope = {
      lookup(name) {
        if (!values.has(name)) {
          if (values.size >= NAME_COUNT_MAX) values.clear()
          values.set(name, find(attributes, name))
        }
        return values.get(name)
      },
    }
    scopes.set(attributes, scope)
  }
  return scope
}

/** Names that a scope remembers the values of, absent ones too; expressions of peers name what they like. */
const NAME_COUNT_MAX = 256

function find(attributes: Attributes, name: string): Value {
  const value = attributeOf(attributes, name)
  return value === undefined ? adUnder(attributes, name) : toValue(name, value)
}

/** The ad of all labels that begin with `prefix.`; undefined where there are none. */
function adUnder(attributes: Attributes, prefix: string): Ad | undefined {
  const entries = new Map<string, Expression>()
  for (const [rest, value] of attributesUnder(attributes, prefix)) {
    const [part] = rest.split('.', 1) as [string]
    if (part === rest) entries.set(part, toExpression(toValue(rest, value)))
    else if (!entries.has(part)) entries.set(part, nodeUnder(attributes, `${prefix}.${part}`))
  }
  return entries.size === 0 ? undefined : Ad.of(entries)
}

function nodeUnder(attributes: Attributes, prefix: string): Expression {
  return adUnder(attributes, prefix)!.node
}

function toValue(name: string, value: AttributeValue): boolean | bigint | number | string | readonly string[] {
  if (typeof value !== 'number') return value
  const kind = knownAttribute(resolvedName(name))?.kind
  return kind !== 'real' && Number.isSafeInteger(value) ? BigInt(value) : value
}

function toExpression(value: ReturnType<typeof toValue>): Expression {
  if (typeof value !== 'object') return { kind: 'literal', value }
  return { kind: 'list', items: value.map((member) => ({ kind: 'literal', value: member })) }
}
