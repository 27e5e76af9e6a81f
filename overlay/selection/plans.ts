import { parseExpression } from '../classad/index.ts'
import { planQuery, type Plan } from '../placement/index.ts'

/** Plans that are kept; beyond it the one made longest ago is made anew when its query comes again. */
const PLAN_COUNT_MAX = 64

/** Plans by the text of the query: one query asks many nodes the same. */
export class PlanCache {
  readonly #plans = new Map<string, Plan>()

  /** `EXPRESSION_MALFORMED` or `EXPRESSION_TOO_LARGE` where the text is no expression. */
  plan(where: string): Plan {
    let plan = this.#plans.get(where)
    if (plan === undefined) {
      plan = planQuery(parseExpression(where))
      if (this.#plans.size >= PLAN_COUNT_MAX) this.#plans.delete(this.#plans.keys().next().value!)
      this.#plans.set(where, plan)
    }
    return plan
  }
}
