import {
  KNOWN_ATTRIBUTES,
  knownAttribute,
  nearest,
  referencedNames,
  resolvedName,
  scopeOf,
  type Attributes,
  type Expression,
} from '../../overlay/index.ts'

export interface UnknownName {
  readonly name: string
  /** The name that was most likely meant. */
  readonly guess?: string
}

/**
 * What an expression reads that is neither a known attribute, nor an alias of one, nor a label of any of these machines: it is
 * `undefined` at all of them. That is no error, since a machine with such a label may come; but mostly it is a slip.
 */
export function unknownNames(expression: Expression, machines: readonly Attributes[]): UnknownName[] {
  const isLabel = (name: string): boolean =>
    machines.some((attributes) => scopeOf(attributes).lookup(name) !== undefined)
  const names = [...KNOWN_ATTRIBUTES.map(({ name }) => name), ...machines.flatMap((machine) => Object.keys(machine))]
  return [...referencedNames(expression)]
    .filter((name) => knownAttribute(resolvedName(name)) === undefined && !isLabel(name))
    .map((name) => {
      const guess = nearest(name, names)
      return { name, ...(guess !== undefined && { guess }) }
    })
}
