import { evaluate, formatValue, isError, seededRng, typeOf } from '../../../overlay/index.ts'
import type { Flags } from '../action.ts'
import { readAdFile } from '../ad-file.ts'
import { checkExpression } from '../expression.ts'
import type { Session } from '../session.ts'
import { plainValue } from '../value-json.ts'

/** `roost expr EXPR`: the value, and with `--json` `{ value, type }`; an error value also has its reason. */
export async function evaluateExpression({ output }: Session, [text]: readonly string[], flags: Flags): Promise<void> {
  const expression = checkExpression(text!)
  const my = typeof flags['ad'] === 'string' ? await readAdFile(flags['ad']) : undefined
  const target = typeof flags['target'] === 'string' ? await readAdFile(flags['target']) : undefined
  const value = evaluate(
    expression,
    { ...(my && { my }), ...(target && { target }) },
    { wallMs: Date.now(), rng: seededRng(process.pid) },
  )
  output.document({ value: plainValue(value), type: typeOf(value), ...(isError(value) && { reason: value.reason }) })
  output.line(formatValue(value))
  if (isError(value)) output.progress(value.reason)
}
