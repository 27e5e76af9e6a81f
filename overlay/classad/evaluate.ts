import { Ad, type Scope } from './ad.ts'
import { COMPILER } from './compile.ts'
import { Run, type EvaluationContext, type Frame } from './frame.ts'
import type { Expression } from './syntax.ts'
import type { Value } from './value.ts'

export interface Scopes {
  /** What bare names and `MY.` are looked up in. */
  readonly my?: Scope
  /** What `TARGET.` and `other.` are looked up in, and bare names that `my` does not have. */
  readonly target?: Scope
}

const NO_CONTEXT: EvaluationContext = {}

/**
 * The value of an expression. Never throws, whatever the expression: what goes wrong, takes more than
 * `EVALUATION_STEPS_MAX` or refers to itself is an error value with a reason. To ask a node whether it fits a `where`, in
 * which a person may write `Cores`, `TARGET.Cores` or `other.Cores` alike, give its attributes as both scopes.
 */
export function evaluate(expression: Expression, scopes: Scopes = {}, context: EvaluationContext = NO_CONTEXT): Value {
  return new Run(context, COMPILER).evaluate(expression, frameOf(scopes))
}

/** The value of one attribute of an ad, in front of another one or alone; undefined where it has none of this name. */
export function evaluateAttribute(
  ad: Ad,
  name: string,
  scopes: Pick<Scopes, 'target'> = {},
  context: EvaluationContext = NO_CONTEXT,
): Value {
  const expression = ad.lookup(name.toLowerCase())
  return expression === undefined ? undefined : evaluate(expression, { ...scopes, my: ad }, context)
}

/** Two frames that are each other's other side, so that an attribute of the target finds its own target here. */
function frameOf({ my, target }: Scopes): Frame {
  const home = my instanceof Ad ? my.home : undefined
  if (target === undefined) return { scope: my, parent: home, other: home?.other }
  const frame: { -readonly [Key in keyof Frame]: Frame[Key] } = { scope: my, parent: home, other: undefined }
  frame.other = { scope: target, parent: target instanceof Ad ? target.home : undefined, other: frame }
  return frame
}
