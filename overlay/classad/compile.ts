import { Ad, type Scope } from './ad.ts'
import { EXPRESSION_HEIGHT_MAX, LIST_ITEMS_MAX } from './bounds.ts'
import {
  CIRCULAR,
  findNear,
  frameIn,
  isExpression,
  OUT_OF_STEPS,
  rootOf,
  TOO_DEEP,
  type Code,
  type Evaluator,
  type Frame,
  type Run,
} from './frame.ts'
import { findFunction } from './functions/index.ts'
import { BINARY, decidesAlone, UNARY } from './operators.ts'
import {
  childrenOf,
  SCOPE_NAMES,
  type AttributeNode,
  type BinaryNode,
  type CallNode,
  type Expression,
} from './syntax.ts'
import { asBoolean, ErrorValue, isList, typeOf, type Value } from './value.ts'

/**
 * Trees to closures, once an expression: names are folded, functions found and constants made when it is first evaluated,
 * and kept as long as the tree is. Whole trees are paid for when they are entered (`size` steps, `height` of depth), so that
 * the closures themselves need not count.
 */
export interface Compiled {
  readonly code: Code
  readonly size: number
  readonly height: number
}

const COMPILED = new WeakMap<Expression, Compiled>()

export const COMPILER: Evaluator = { enter, sizeOf: (expression) => compile(expression).size }

export function compile(expression: Expression): Compiled {
  let compiled = COMPILED.get(expression)
  if (compiled === undefined) {
    const { size, height } = measure(expression)
    compiled =
      height > EXPRESSION_HEIGHT_MAX
        ? { code: () => TOO_DEEP, size, height: 1 }
        : { code: codeOf(expression), size, height }
    COMPILED.set(expression, compiled)
  }
  return compiled
}

/** Evaluates what stands in `frame`, within what the run may still cost. */
function enter(expression: Expression, frame: Frame, run: Run): Value {
  if (expression.kind === 'literal') return expression.value
  const { code, size, height } = compile(expression)
  if (!run.charge(size)) return OUT_OF_STEPS
  if (run.depthLeft < height) return TOO_DEEP
  if (!run.enter(expression, frame.scope)) return CIRCULAR
  run.depthLeft -= height
  const value = code(frame, run)
  run.depthLeft += height
  run.leave()
  return run.stepsLeft < 0 ? OUT_OF_STEPS : value
}

function measure(root: Expression): { size: number; height: number } {
  let size = 0
  let height = 0
  let level: Expression[] = [root]
  while (level.length > 0) {
    height++
    size += level.length
    level = level.flatMap((node) => (node.kind === 'ad' ? [] : childrenOf(node)))
  }
  return { size, height }
}

function codeOf(expression: Expression): Code {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression
      return () => value
    }
    case 'attribute':
      return attributeCode(expression)
    case 'select': {
      const from = codeOf(expression.from)
      const key = expression.name.toLowerCase()
      return (frame, run) => select(from(frame, run), key, run)
    }
    case 'subscript': {
      const [from, index] = [codeOf(expression.from), codeOf(expression.index)]
      return (frame, run) => subscript(from(frame, run), index(frame, run), run)
    }
    case 'unary': {
      const apply = UNARY[expression.operator]
      const operand = codeOf(expression.operand)
      return (frame, run) => apply(operand(frame, run))
    }
    case 'binary':
      return binaryCode(expression)
    case 'conditional': {
      const [condition, then, otherwise] = [
        codeOf(expression.condition),
        codeOf(expression.then),
        codeOf(expression.otherwise),
      ]
      return (frame, run) => {
        const chosen = condition(frame, run)
        const truth = asBoolean(chosen)
        if (truth !== undefined) return truth ? then(frame, run) : otherwise(frame, run)
        if (chosen === undefined || chosen instanceof ErrorValue) return chosen
        return new ErrorValue(`a condition cannot be ${typeOf(chosen)}`)
      }
    }
    case 'call':
      return callCode(expression)
    case 'list': {
      const items = expression.items.map(codeOf)
      return (frame, run) => items.map((item) => item(frame, run))
    }
    case 'ad':
      return (frame, run) => (run.charge(1) ? new Ad(expression, frame) : OUT_OF_STEPS)
  }
}

function binaryCode({ operator, left, right }: BinaryNode): Code {
  const [first, second] = [codeOf(left), codeOf(right)]
  const apply = BINARY[operator]
  if (operator === '?:')
    return (frame, run) => {
      const value = first(frame, run)
      return value === undefined ? second(frame, run) : value
    }
  if (operator === '&&' || operator === '||')
    return (frame, run) => {
      const value = first(frame, run)
      return apply(value, decidesAlone(operator, value) ? undefined : second(frame, run))
    }
  return (frame, run) => apply(first(frame, run), second(frame, run), run)
}

function callCode({ name, arguments: values }: CallNode): Code {
  const found = findFunction(name)
  if (found === undefined) {
    const unknown = new ErrorValue(`there is no function ${name}`)
    return () => unknown
  }
  if (values.length < found.countMin || values.length > found.countMax) {
    const wrong = new ErrorValue(`${name} does not take ${values.length} arguments`)
    return () => wrong
  }
  const codes = values.map(codeOf)
  if ('lazy' in found) {
    const { lazy } = found
    return (frame, run) => lazy({ expressions: values, codes, frame, run })
  }
  const { apply } = found
  return (frame, run) => {
    run.stepsLeft--
    return run.stepsLeft < 0
      ? OUT_OF_STEPS
      : apply(
          codes.map((code) => code(frame, run)),
          run,
        )
  }
}

// Names

function attributeCode({ scope, name }: AttributeNode): Code {
  const key = name.toLowerCase()
  switch (scope) {
    case 'near':
      return nearCode(key)
    case 'my':
      return (frame, run) => lookupIn(frame, key, run)
    case 'target':
      return (frame, run) => lookupIn(frame.other, key, run)
    case 'parent':
      return (frame, run) => lookupIn(frame.parent, key, run)
    case 'root':
      return (frame, run) => lookupIn(rootOf(frame), key, run)
  }
}

function nearCode(key: string): Code {
  const meaning = SCOPE_NAMES.get(key)
  return (frame, run) => {
    const found = findNear(frame, key)
    if (found !== undefined) return resolve(found.item, found.frame, run)
    switch (meaning) {
      case 'my':
        return scopeAsValue(frame)
      case 'target':
        return scopeAsValue(frame.other)
      case 'parent':
        return scopeAsValue(frame.parent)
      case 'root':
        return scopeAsValue(rootOf(frame))
    }
    return lookupIn(frame.other, key, run)
  }
}

function lookupIn(frame: Frame | undefined, key: string, run: Run): Value {
  const item = frame?.scope?.lookup(key)
  return item === undefined ? undefined : resolve(item, frame!, run)
}

function resolve(item: Value | Expression, frame: Frame, run: Run): Value {
  return isExpression(item) ? enter(item, frame, run) : item
}

function scopeAsValue(frame: Frame | undefined): Value {
  const scope: Scope | undefined = frame?.scope
  if (scope === undefined || scope instanceof Ad) return scope
  return new ErrorValue('this scope is not an ad; name one of its attributes')
}

// Parts

function select(from: Value, key: string, run: Run): Value {
  if (from instanceof Ad) {
    const frame = frameIn(from)
    const found = from.lookup(key)
    return found === undefined ? undefined : enter(found, frame, run)
  }
  if (isList(from)) {
    if (!run.charge(from.length)) return OUT_OF_STEPS
    if (from.length > LIST_ITEMS_MAX) return new ErrorValue('a list is too long')
    return from.map((item) =>
      isList(item) ? new ErrorValue('a list in a list has no attributes') : select(item, key, run),
    )
  }
  if (from === undefined || from instanceof ErrorValue) return from
  return new ErrorValue(`${typeOf(from)} has no attributes`)
}

function subscript(from: Value, index: Value, run: Run): Value {
  if (from instanceof ErrorValue) return from
  if (index instanceof ErrorValue) return index
  if (from === undefined || index === undefined) return undefined
  if (isList(from) && typeof index === 'bigint')
    return index >= 0n && index < from.length ? from[Number(index)] : new ErrorValue(`a list has no item ${index}`)
  if (from instanceof Ad && typeof index === 'string') {
    const found = from.lookup(index.toLowerCase())
    return found === undefined ? new ErrorValue(`the ad has no attribute ${index}`) : enter(found, frameIn(from), run)
  }
  return new ErrorValue(`${typeOf(from)} cannot be subscripted with ${typeOf(index)}`)
}
