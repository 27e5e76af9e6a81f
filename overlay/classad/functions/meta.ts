import { Ad } from '../ad.ts'
import { asSource, asText } from '../convert.ts'
import { findNear, isExpression, OUT_OF_STEPS, rootOf, type Frame, type Run } from '../frame.ts'
import { parseExpression } from '../parse.ts'
import { programFor, search, PatternFault } from '../pattern/index.ts'
import { referencedNames } from '../references.ts'
import { RoostError } from '../../error/index.ts'
import type { Expression } from '../syntax.ts'
import { asBoolean, ErrorValue, isList, typeOf, type TypeName, type Value } from '../value.ts'
import { takes, wrong, type FunctionTable, type LazyCall } from './function.ts'
import { made } from './text.ts'

/** Functions on what a value is, and on expressions themselves. */
export const META_FUNCTIONS: FunctionTable = {
  isUndefined: isType('undefined'),
  isError: isType('error'),
  isBoolean: isType('boolean'),
  isInteger: isType('integer'),
  isReal: isType('real'),
  isString: isType('string'),
  isAbsTime: isType('abstime'),
  isRelTime: isType('reltime'),
  isList: isType('list'),
  isClassAd: isType('ad'),
  typeOf: takes(1, 1, ([value]) => typeOf(value)),
  ifThenElse: { countMin: 3, countMax: 3, lazy: ifThenElse },
  debug: takes(1, 1, ([value]) => value),
  eval: { countMin: 1, countMax: 1, lazy: evaluateText },
  unparse: { countMin: 1, countMax: 1, lazy: unparse },
  unresolved: { countMin: 1, countMax: 2, lazy: unresolved },
  evalInEachContext: { countMin: 2, countMax: 2, lazy: evalInEachContext },
  countMatches: { countMin: 2, countMax: 2, lazy: countMatches },
}

function isType(name: TypeName) {
  return takes(1, 1, ([value]) => typeOf(value) === name)
}

function ifThenElse({ codes: [condition, then, otherwise], frame, run }: LazyCall): Value {
  const chosen = condition!(frame, run)
  if (chosen === undefined || chosen instanceof ErrorValue) return chosen
  const truth = asBoolean(chosen)
  if (truth === undefined) return wrong('ifThenElse', 'a condition')
  return truth ? then!(frame, run) : otherwise!(frame, run)
}

/** The text is an expression that stands where the call stands. */
function evaluateText({ codes: [code], frame, run }: LazyCall): Value {
  const text = asText(code!(frame, run))
  if (typeof text !== 'string') return text ?? wrong('eval', 'an expression as text')
  if (!run.charge(text.length)) return OUT_OF_STEPS
  const expression = parsed(text)
  return expression instanceof ErrorValue ? expression : run.evaluate(expression, frame)
}

function parsed(text: string): Expression | ErrorValue {
  try {
    return parseExpression(text)
  } catch (error) {
    if (error instanceof RoostError) return new ErrorValue(error.message)
    throw error
  }
}

/** The expression, or the value, that the attribute named stands for; the empty text where there is none. */
function unparse({ expressions: [named], frame, run }: LazyCall): Value {
  if (named!.kind !== 'attribute') return wrong('unparse', 'the name of an attribute')
  const item = itemOf(named!, frame)
  if (item === undefined) return ''
  if (!isExpression(item)) return made(asText(item), run)
  return run.chargeFor(item) ? made(asSource(item), run) : OUT_OF_STEPS
}

function itemOf(named: Expression, frame: Frame): Value | Expression {
  if (named.kind !== 'attribute') return undefined
  const key = named.name.toLowerCase()
  switch (named.scope) {
    case 'near':
      return findNear(frame, key)?.item
    case 'target':
      return frame.other?.scope?.lookup(key)
    case 'parent':
      return frame.parent?.scope?.lookup(key)
    case 'root':
      return rootOf(frame).scope?.lookup(key)
    case 'my':
      return frame.scope?.lookup(key)
  }
}

/** The names that the expression of an attribute reads and this ad does not have, sorted; or whether one matches a pattern. */
function unresolved({ expressions: [named], codes, frame, run }: LazyCall): Value {
  if (named!.kind !== 'attribute') return wrong('unresolved', 'the name of an attribute')
  const item = itemOf(named!, frame)
  if (item === undefined) return undefined
  if (!isExpression(item)) return ''
  if (!run.chargeFor(item)) return OUT_OF_STEPS
  const names = [...referencedNames(item)].filter((name) => findNear(frame, name) === undefined).toSorted()
  if (codes.length === 1) return made(names.join(','), run)
  const pattern = codes[1]!(frame, run)
  if (typeof pattern !== 'string') return pattern === undefined ? undefined : wrong('unresolved', 'a pattern')
  const program = programFor(pattern, { ignoreCase: true, multiline: false, dotAll: false, extended: false })
  if (program instanceof PatternFault) return new ErrorValue(program.message)
  for (const name of names) {
    const match = search(program, name, (steps) => run.charge(steps), { notEmpty: true })
    if (match === 'exhausted') return OUT_OF_STEPS
    if (match !== undefined) return true
  }
  return false
}

/** An attribute stands for its expression where it has one: `evalInEachContext(RequireGpus, Gpus)`. */
function contextual(expression: Expression, frame: Frame): Expression {
  const item = itemOf(expression, frame)
  return item !== undefined && isExpression(item) ? item : expression
}

function inContexts({ expressions, codes, frame, run }: LazyCall): readonly Value[] | undefined | ErrorValue {
  const contexts = codes[1]!(frame, run)
  if (contexts === undefined || contexts instanceof ErrorValue) return contexts
  if (!isList(contexts)) return wrong('this function', 'an expression and a list of ads')
  if (!run.charge(contexts.length)) return OUT_OF_STEPS
  const expression = contextual(expressions[0]!, frame)
  return contexts.map((context) => {
    if (context instanceof Ad) return inContext(expression, context, frame, run)
    return context === undefined ? undefined : wrong('this function', 'a list of ads')
  })
}

/** The ad is the nearest scope; around it stands the one that calls, with its target. */
function inContext(expression: Expression, context: Ad, frame: Frame, run: Run): Value {
  return run.evaluate(expression, { scope: context, parent: frame, other: frame.other })
}

function evalInEachContext(call: LazyCall): Value {
  return inContexts(call)
}

function countMatches(call: LazyCall): Value {
  const values = inContexts(call)
  if (values instanceof ErrorValue) return values
  return BigInt((values ?? []).filter((value) => asBoolean(value) === true).length)
}
