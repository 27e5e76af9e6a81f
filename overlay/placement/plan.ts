import { attributeOf, knownAttribute, resolvedName, scopeOf, type Attributes } from '../attributes/index.ts'
import { conjunctsOf, evaluate, isForeseeable, isTrue, referencedNames, type Expression } from '../classad/index.ts'
import type { Descriptor } from '../descriptor/index.ts'
import type { Surroundings } from '../env/index.ts'
import type { Box } from './boxes.ts'
import { boxesOf } from './conditions.ts'

/** One of the conditions that must all hold. */
interface Condition {
  readonly expression: Expression
  /** In lower case, with aliases resolved; of a dotted name what stands before the dot. */
  readonly names: readonly string[]
}

/**
 * Which nodes are worth asking, by their descriptors, and where these stand.
 *
 * A query is true where each of the conditions is that it joins by `&&`. One that names only static attributes has the same
 * value here, over the descriptor, as at the node; if it is not true, the node need not be asked. One that names anything dynamic is left to the node: over the descriptor it would be `undefined` at best, and `=?=` and
 * `isUndefined` make even that a wrong answer.
 *
 * What is dynamic follows from the table of attributes and, for labels that the table does not know, from the set `Dynamic` in the
 * node's descriptor.
 */
export class Plan {
  /** Every node whose attributes make the query true lies in one of these. */
  readonly boxes: readonly Box[]
  readonly #conditions: readonly Condition[]

  constructor(where: Expression) {
    this.boxes = boxesOf(where)
    this.#conditions = conjunctsOf(where)
      .map(({ condition }) => ({ expression: condition, ...read(condition) }))
      .filter(({ isForeseeable }) => isForeseeable)
  }

  /** The static names that the query is about, in lower case with aliases resolved: what groupings are learned from. */
  get askedNames(): readonly string[] {
    const names = this.boxes.flatMap((box) => [...box.keys()])
    return [...new Set(names.map((name) => resolvedName(name).toLowerCase()))].sort()
  }

  /** Whether the node may match, by its descriptor. */
  admits({ attributes }: Descriptor, surroundings: Surroundings): boolean {
    const announced = attributeOf(attributes, 'Dynamic')
    const live = Array.isArray(announced) ? announced.map((name) => name.toLowerCase()) : []
    return this.#conditions.every(
      ({ expression, names }) =>
        (live.length > 0 && names.some((name) => isAmong(name, live))) ||
        isTrueOf(expression, attributes, surroundings),
    )
  }
}

export function planQuery(where: Expression): Plan {
  return new Plan(where)
}

function isTrueOf(expression: Expression, attributes: Attributes, { wallMs, rng }: Surroundings): boolean {
  const scope = scopeOf(attributes)
  return isTrue(evaluate(expression, { my: scope, target: scope }, { wallMs, rng }))
}

/** `gpu` may mean the ad of all labels below it. */
function isAmong(name: string, live: readonly string[]): boolean {
  return live.some((other) => other === name || other.startsWith(`${name}.`))
}

function read(expression: Expression): { names: string[]; isForeseeable: boolean } {
  const names = [...referencedNames(expression)].map((name) => resolvedName(name).toLowerCase())
  const isStatic = names.every((name) => knownAttribute(name)?.dynamic !== true)
  return { names, isForeseeable: isStatic && isForeseeable(expression) }
}
