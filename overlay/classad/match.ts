import type { Ad } from './ad.ts'
import { evaluateAttribute } from './evaluate.ts'
import type { EvaluationContext } from './frame.ts'
import { isTrue } from './value.ts'

/** Whether the `Requirements` of `wanting` hold with `offered` as its target. Without any an ad wants nothing. */
export function isAcceptedBy(wanting: Ad, offered: Ad, context?: EvaluationContext): boolean {
  return isTrue(evaluateAttribute(wanting, 'requirements', { target: offered }, context))
}

/** Whether each accepts the other. An ad without `Requirements` matches nothing. */
export function symmetricMatch(left: Ad, right: Ad, context?: EvaluationContext): boolean {
  return isAcceptedBy(left, right, context) && isAcceptedBy(right, left, context)
}
