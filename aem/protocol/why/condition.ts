import {
  attributeOf,
  childrenOf,
  conjunctsOf,
  evaluate,
  isForeseeable,
  isTrue,
  knownAttribute,
  parseExpression,
  referencedNames,
  resolvedName,
  SCOPE_NAMES,
  scopeOf,
  type Attributes,
  type AttributeValue,
  type BinaryOperator,
  type Conjunct,
  type Expression,
  type Surroundings,
} from '../../../overlay/index.ts'
import { comparisonText, expressionText, numberText } from './words.ts'

/** One thing that a job asks of a node: a part of `where` that must hold beside the others, or what its units take of the machine. */
export interface Condition {
  readonly text: string
  /** The attributes that it reads, in the spelling of the table or as they are written; `gpu.driver` is one of them. */
  readonly names: readonly string[]
  /** Whether it may have another value a moment later: it names something that is measured, or the time. */
  readonly isLive: boolean
  /** Where it compares one attribute with a constant. */
  readonly comparison?: Comparison
  holds(attributes: Attributes, surroundings: Pick<Surroundings, 'wallMs' | 'rng'>): boolean
}

export interface Comparison {
  readonly name: string
  readonly operator: BinaryOperator
  readonly constant: number | string | boolean
}

/** What a job asks for. */
export interface Wanted {
  readonly where: string
  /** Units, one a node. */
  readonly nodes: number
  /** Of each node; no memory is 0 bytes. */
  readonly cores: number
  readonly memoryBytes: number
}

/** Conditions that are told one by one; what is beyond them is one condition more. No file of a person has as many. */
export const CONDITION_COUNT_MAX = 64

/** The conditions of a job, those of `where` in the order in which they are written. */
export function conditionsOf({ where, cores, memoryBytes }: Wanted): Condition[] {
  const written = conjunctsOf(parseExpression(where))
    .map(expressionCondition)
    .filter(({ text }) => text !== 'true')
  const rest = written.slice(CONDITION_COUNT_MAX)
  return [
    ...written.slice(0, CONDITION_COUNT_MAX),
    ...(rest.length === 0 ? [] : [together(rest)]),
    ...sizeConditions('Cores', 'cores', cores),
    ...sizeConditions('Memory', 'memory', memoryBytes),
  ]
}

/** What a node has of each attribute that a condition reads; nothing of one that it does not have. */
export function valuesFor(condition: Condition, attributes: Attributes): { name: string; value?: AttributeValue }[] {
  return condition.names.slice(0, NAMES_SHOWN_MAX).map((name) => {
    const value = attributeOf(attributes, name)
    return { name, ...(value !== undefined && { value }) }
  })
}

/** Attributes of one condition whose values are told. */
export const NAMES_SHOWN_MAX = 8

function together(conditions: readonly Condition[]): Condition {
  return {
    text: `${conditions.length} further conditions`,
    names: [...new Set(conditions.flatMap(({ names }) => names))],
    isLive: conditions.some(({ isLive }) => isLive),
    holds: (attributes, surroundings) => conditions.every((condition) => condition.holds(attributes, surroundings)),
  }
}

function expressionCondition({ written, condition }: Conjunct): Condition {
  const comparison = comparisonIn(written)
  const plainNames = [...referencedNames(written)]
  return {
    text: comparison === undefined ? expressionText(written) : comparisonText(comparison),
    names: namesIn(written),
    isLive: plainNames.some(isMeasured) || !isForeseeable(written),
    ...(comparison !== undefined && { comparison }),
    holds(attributes, { wallMs, rng }) {
      const scope = scopeOf(attributes)
      return isTrue(evaluate(condition, { my: scope, target: scope }, { wallMs, rng }))
    },
  }
}

/** What a unit takes of a machine, that the machine must have at all. One that does not say how large it is may be large enough. */
function sizeConditions(name: string, field: string, least: number): Condition[] {
  if (least <= (field === 'cores' ? 1 : 0)) return []
  const comparison = { name, operator: '>=', constant: least } as const
  return [
    {
      text: `${field}: ${numberText(name, least)}`,
      names: [name],
      isLive: false,
      comparison,
      holds(attributes) {
        const value = attributeOf(attributes, name)
        return typeof value !== 'number' || value >= least
      },
    },
  ]
}

function isMeasured(name: string): boolean {
  return knownAttribute(resolvedName(name))?.dynamic === true
}

/** Each name once, in the order in which they are read. */
function namesIn(expression: Expression): string[] {
  const names = new Map<string, string>()
  const open = [expression]
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const name = nameOf(next)
    if (name === undefined) open.unshift(...childrenOf(next))
    else if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  }
  return [...names.values()]
}

/** `Cores`, `MY.Cores` and `gpu.driver` are names; anything else is none. */
function nameOf(expression: Expression): string | undefined {
  const parts: string[] = []
  let at = expression
  while (at.kind === 'select') {
    parts.unshift(at.name)
    at = at.from
  }
  if (at.kind !== 'attribute' || at.scope === 'parent') return undefined
  if (at.scope === 'near' && SCOPE_NAMES.has(at.name.toLowerCase())) return undefined
  const name = [at.name, ...parts].join('.')
  return knownAttribute(name)?.name ?? name
}

const MIRRORED: Partial<Record<BinaryOperator, BinaryOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

function comparisonIn(expression: Expression): Comparison | undefined {
  if (expression.kind !== 'binary' || MIRRORED[expression.operator] === undefined) return undefined
  const { operator, left, right } = expression
  const [leftName, rightName] = [nameOf(left), nameOf(right)]
  if (leftName !== undefined) return comparisonWith(leftName, operator, right)
  return rightName === undefined ? undefined : comparisonWith(rightName, MIRRORED[operator]!, left)
}

function comparisonWith(name: string, operator: BinaryOperator, other: Expression): Comparison | undefined {
  if (!isConstant(other)) return undefined
  const value = evaluate(other)
  const constant = typeof value === 'bigint' ? Number(value) : value
  const isPlain = typeof constant === 'number' || typeof constant === 'string' || typeof constant === 'boolean'
  return isPlain ? { name, operator, constant } : undefined
}

function isConstant(expression: Expression): boolean {
  const isMade = ['literal', 'unary', 'binary'].includes(expression.kind)
  return isMade && childrenOf(expression).every(isConstant)
}
