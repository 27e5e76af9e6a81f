import { RoostError } from '../../overlay/index.ts'

/** What came of an input, in few enough words that inputs with one fate have one name. */

/** The longest name of a reason. */
const REASON_CHARS_MAX = 140

/**
 * Why something was refused: the code, and the message without what the sender chose (numbers, quoted text, keys of tables). `fields` are
 * the names of fields that are ours.
 */
export function reasonOf(error: RoostError, fields: ReadonlySet<string>): string {
  const path = error.data?.['path']
  const isShaped = typeof path === 'string' && error.message.startsWith(path)
  const message = isShaped
    ? `${plainPath(path, fields)}${error.message.slice(path.length)}`
    : withoutQuotes(error.message)
  return `${error.code} ${withoutNumbers(message)}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, REASON_CHARS_MAX)
}

/** The form of what was accepted: its type, and which fields it has. */
export function formOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `accepted ${typeof value}`
  if (Array.isArray(value)) return 'accepted list'
  const { type } = value as { type?: unknown }
  const keys = Object.entries(value).map(([key, field]) => `${key}${Array.isArray(field) ? sizeOf(field) : ''}`)
  return `accepted ${typeof type === 'string' ? type : ''} ${keys.toSorted().join(',')}`.slice(0, REASON_CHARS_MAX)
}

function sizeOf(list: readonly unknown[]): string {
  return list.length === 0 ? '(0)' : list.length === 1 ? '(1)' : '(n)'
}

function plainPath(path: string, fields: ReadonlySet<string>): string {
  const [root = '', ...steps] = path.replaceAll(/\[\d+\]/g, '').split('.')
  return [root, ...steps.map((step) => (fields.has(step) ? step : '*'))].slice(0, 8).join('.')
}

function withoutQuotes(message: string): string {
  return message.replaceAll(/(["'`])[^]*?\1/g, '""').replaceAll(/\([^()]*\)/g, '()')
}

/** Nor the names of jobs and peers. */
function withoutNumbers(message: string): string {
  return message.replaceAll(/\b(job|by) \S+/g, '$1 *').replaceAll(/-?\d+(\.\d+)?(e[+-]?\d+)?/g, '#')
}
