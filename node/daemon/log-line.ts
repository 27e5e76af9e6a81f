/** What a line shows in its own place, or not at all. */
const ELSEWHERE: ReadonlySet<string> = new Set(['level', 'time', 'name', 'msg'])

/**
 * An event of the log for people: what happened, then its fields as `name=value`, where JSON would bury them in quotes. The
 * stacks of errors follow on lines of their own.
 */
export function logLine(event: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(event).filter(([name]) => !ELSEWHERE.has(name))
  const shown = fields.map(([name, value]) => `${name}=${fieldText(value)}`)
  const stacks = fields.flatMap(([, value]) => (isError(value) ? [`\n${value.stack}`] : []))
  return [[String(event['msg'] ?? ''), ...shown].join('  '), ...stacks].join('')
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=\p{C}]+$/u.test(value) ? value : JSON.stringify(value)
  if (Array.isArray(value)) return value.map(fieldText).join(',')
  if (isError(value)) return JSON.stringify(value.message)
  return JSON.stringify(value) ?? String(value)
}

/** As pino's serializer leaves it. */
function isError(value: unknown): value is { readonly message: string; readonly stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
}
