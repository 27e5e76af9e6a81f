import type { Ad, Scope } from './ad.ts'
import { EVALUATION_DEPTH_MAX, EVALUATION_STEPS_MAX } from './bounds.ts'
import type { Rng } from '../env/index.ts'
import type { Expression } from './syntax.ts'
import { ErrorValue, type Value } from './value.ts'

/** Where an expression stands while it is evaluated. */
export interface Frame {
  /** What its bare names are looked up in first. */
  readonly scope: Scope | undefined
  /** Where the ad stands that is `scope`, if it is part of another. */
  readonly parent: Frame | undefined
  /** The other side of a match. */
  readonly other: Frame | undefined
}

/** What evaluation may know of the world, for the functions that ask. Without it they are errors. */
export interface EvaluationContext {
  /** Unix time in milliseconds, for `time()` and its kin. */
  readonly wallMs?: number
  /** For `random`. */
  readonly rng?: Rng
  /** At most `EVALUATION_STEPS_MAX`, which it is by default. */
  readonly stepsMax?: number
}

export const OUT_OF_STEPS = new ErrorValue(`the evaluation took more than ${EVALUATION_STEPS_MAX} steps`)
export const TOO_DEEP = new ErrorValue('attributes refer to each other too deep')
export const CIRCULAR = new ErrorValue('an attribute refers to itself')

/** A compiled expression: its value in a frame, within what is left of a run. */
export type Code = (frame: Frame, run: Run) => Value

/** How a run evaluates what it meets on its way: given to it, since functions are below what compiles them. */
export interface Evaluator {
  /** The value of an expression that stands in `frame`, within what the run may still cost. */
  enter(expression: Expression, frame: Frame, run: Run): Value
  /** The nodes of its tree. */
  sizeOf(expression: Expression): number
}

/** The state of one evaluation: what it may still cost, and what is being evaluated at this moment. */
export class Run {
  readonly context: EvaluationContext
  stepsLeft: number
  depthLeft = EVALUATION_DEPTH_MAX
  readonly #evaluator: Evaluator
  readonly #active: (Expression | Scope | undefined)[] = []

  constructor(context: EvaluationContext, evaluator: Evaluator) {
    this.#evaluator = evaluator
    this.context = context
    this.stepsLeft = Math.min(context.stepsMax ?? EVALUATION_STEPS_MAX, EVALUATION_STEPS_MAX)
  }

  /** Takes steps; false when they are used up, and then everything that follows is an error. */
  charge(steps: number): boolean {
    this.stepsLeft -= steps
    return this.stepsLeft >= 0
  }

  evaluate(expression: Expression, frame: Frame): Value {
    return this.#evaluator.enter(expression, frame, this)
  }

  /** Takes the steps of going through a tree once. */
  chargeFor(expression: Expression): boolean {
    return this.charge(this.#evaluator.sizeOf(expression))
  }

  /** False where this expression is being evaluated in this scope already. */
  enter(expression: Expression, scope: Scope | undefined): boolean {
    const active = this.#active
    this.stepsLeft -= active.length >> 4
    for (let at = 0; at < active.length; at += 2)
      if (active[at] === expression && active[at + 1] === scope) return false
    active.push(expression, scope)
    return true
  }

  leave(): void {
    this.#active.length -= 2
  }
}

/** The frame of what stands in an ad. */
export function frameIn(ad: Ad): Frame {
  return { scope: ad, parent: ad.home, other: ad.home?.other }
}

export interface Found {
  readonly item: Value | Expression
  readonly frame: Frame
}

/** The nearest ad outwards that has the attribute, and what stands there. */
export function findNear(frame: Frame, key: string): Found | undefined {
  for (let at: Frame | undefined = frame; at !== undefined; at = at.parent) {
    const item = at.scope?.lookup(key)
    if (item !== undefined) return { item, frame: at }
  }
  return undefined
}

export function rootOf(frame: Frame): Frame {
  let root = frame
  while (root.parent !== undefined) root = root.parent
  return root
}

/** Of all that a scope may give, only expressions have a `kind`. */
export function isExpression(item: Value | Expression): item is Expression {
  return typeof item === 'object' && 'kind' in item
}
