import { parseExpression, type Expression } from '../classad/index.ts'

/** Parsed expressions that are kept; beyond it the one parsed longest ago is parsed anew when it comes again. */
const EXPRESSION_COUNT_MAX = 128

/** Expressions by their text: one query asks every node the same, and often. */
export class ExpressionCache {
  readonly #parsed = new Map<string, Expression>()

  /** `EXPRESSION_MALFORMED` or `EXPRESSION_TOO_LARGE` where the text is no expression. */
  parse(text: string): Expression {
    let expression = this.#parsed.get(text)
    if (expression === undefined) {
      expression = parseExpression(text)
      if (this.#parsed.size >= EXPRESSION_COUNT_MAX) this.#parsed.delete(this.#parsed.keys().next().value!)
      this.#parsed.set(text, expression)
    }
    return expression
  }
}
