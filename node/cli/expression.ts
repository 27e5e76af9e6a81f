import { parseExpression, RoostError, type Expression } from '../../overlay/index.ts'

/** The expression, parsed. One that is malformed is told with its text, so that a mark can stand under the column. */
export function checkExpression(text: string, what: string): Expression {
  return withSource(text, what, () => parseExpression(text))
}

/** Runs a parser; its error says what was parsed, and carries the text. */
export function withSource<Result>(source: string, what: string, parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RoostError)) throw error
    throw new RoostError(error.code, `${what}: ${error.message}`, {
      cause: error,
      hint: error.hint,
      data: { ...error.data, source },
      ...(error.line !== undefined && { line: error.line }),
      ...(error.column !== undefined && { column: error.column }),
    })
  }
}
