import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import {
  Ad,
  checkAttributes,
  parseAd,
  parseOldAd,
  RoostError,
  scopeOf,
  type AdEntry,
  type Expression,
  type Scope,
} from '../../overlay/index.ts'
import { withSource } from './expression.ts'

/**
 * Attributes out of a file, or standard input for `-`: a JSON object, such as what `roost node show --json` prints, an ad in brackets, or lines of `name = expression`. `FILE_UNREADABLE`, or what the parser says, with the file.
 */
export async function readAdFile(file: string): Promise<Scope> {
  const text = await readText(file)
  const first = text.trimStart()[0]
  if (first === '{') return scopeOfJson(text, file)
  return withSource(text, () => (first === '[' ? parseAd(text) : parseOldAd(text)), file)
}

async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`
    throw new RoostError('FILE_UNREADABLE', `${file} ${why}`, { cause, file })
  }
}

function scopeOfJson(text: string, file: string): Scope {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw jsonError(cause as Error, text, file)
  }
  try {
    // What a node could say of itself is seen as find sees it, with the names and units of GLUE and JSDL.
    return scopeOf(checkAttributes(attributesIn(value)))
  } catch {
    return Ad.of(Object.entries(value as object).map(([name, entry]) => [name, expressionOf(entry)]))
  }
}

/** A whole report of `roost node show --json` stands for the attributes in it. */
function attributesIn(value: unknown): unknown {
  const { id, attributes } = value as { readonly id?: unknown; readonly attributes?: unknown }
  return typeof id === 'string' && typeof attributes === 'object' && attributes !== null ? attributes : value
}

/** V8 tells the place in its message. */
function jsonError(cause: Error, source: string, file: string): RoostError {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(cause.message) ?? []
  const message = cause.message.replace(/ \(line.*| at position.*/s, '')
  return new RoostError('EXPRESSION_MALFORMED', `${file}: not JSON: ${message}`, {
    cause,
    file,
    data: { source },
    hint: 'an ad is a JSON object, [ name = expression; ... ], or lines of name = expression',
    ...(line !== undefined && { line: Number(line), column: Number(column) }),
  })
}

function expressionOf(value: unknown): Expression {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(expressionOf) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, entry]): AdEntry => ({ name, expression: expressionOf(entry) }))
    return { kind: 'ad', entries }
  }
  if (typeof value === 'number') return { kind: 'literal', value: Number.isSafeInteger(value) ? BigInt(value) : value }
  return { kind: 'literal', value: typeof value === 'string' || typeof value === 'boolean' ? value : undefined }
}
