import { parseExpression, RoostError, type Expression, type ParseOptions } from '../../overlay/index.ts'

/** The expression, parsed. One that is malformed is told with its text, so that a mark can stand under the column. */
export function checkExpression(text: string, options?: ParseOptions): Expression {
  return withSource(text, () => parseExpression(text, options))
}

/** Runs a parser; its error carries the text that was parsed, and the name of its file. */
export function withSource<Result>(source: string, parse: () => Result, file?: string): Result {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RoostError)) throw error
    throw new RoostError(error.code, file === undefined ? error.message : `${file}: ${error.message}`, {
      cause: error,
      hint: error.hint,
      data: { ...error.data, source },
      ...(file !== undefined && { file }),
      ...(error.line !== undefined && { line: error.line }),
      ...(error.column !== undefined && { column: error.column }),
    })
  }
}
