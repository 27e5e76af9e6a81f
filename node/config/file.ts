import { readFile } from 'node:fs/promises'
import { isMap, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml'
import { RoostError } from '../../overlay/index.ts'
import { checkLayer } from './check.ts'
import type { Layer } from './schema.ts'

/** A longer configuration file is refused: it is not one. */
const FILE_BYTES_MAX = 1_048_576

/**
 * A configuration file; undefined where there is none and `optional` says that this is fine. `FILE_UNREADABLE`, or
 * `CONFIG_MALFORMED` with line and column.
 */
export async function readConfigFile(
  file: string,
  options: { readonly optional: boolean },
): Promise<Layer | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (options.optional && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new RoostError('FILE_UNREADABLE', `cannot read the configuration ${file}: ${code}`, { cause, file })
  }
  if (text.length > FILE_BYTES_MAX)
    throw new RoostError('CONFIG_MALFORMED', `${file} is longer than ${FILE_BYTES_MAX} bytes`, { file })
  return parseConfig(text, file)
}

/** The text of a configuration file, checked. */
export function parseConfig(text: string, file: string): Layer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const refuse = (message: string, offset: number, hint?: string): RoostError => {
    const { line, col } = lines.linePos(offset)
    return new RoostError('CONFIG_MALFORMED', `${file}:${line}:${col}: ${message}`, {
      file,
      line,
      column: col,
      ...(hint && { hint }),
    })
  }
  const [syntax] = document.errors
  if (syntax) throw refuse(syntax.message.split('\n')[0]!, syntax.pos[0])
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), 0)
  }
  const checked = checkLayer(value)
  if ('layer' in checked) return checked.layer
  throw refuse(checked.fault.message, offsetOf(document, checked.fault.path), checked.fault.hint)
}

/** Where the thing at `path` begins in the text: its key where it has one, else its value, else what stands around it. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]!
    if (isMap(parent)) {
      const pair = (parent.items as Pair<Node, Node>[]).find((item) => String(item.key) === String(key))
      if (pair?.key?.range) return pair.key.range[0]
    }
    const node = document.getIn(path.slice(0, length), true) as Node | undefined
    if (node?.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}
