import { isMap, isScalar, isSeq, type Document, type LineCounter, type Node, type Scalar } from 'yaml'
import type { FieldPath } from '../protocol/index.ts'

/** From 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

interface Source {
  readonly document: Document.Parsed
  readonly lineCounter: LineCounter
  readonly text: string
}

export function positionIn(lineCounter: LineCounter, offset: number): Position {
  const { line, col } = lineCounter.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/**
 * Where a path leads in a YAML document: to the value, or to the key where the value is nothing or a table, or where `isKey`
 * says that the key is at fault. `inside` is a place in the text of a scalar, and moves along with it.
 */
export function positionOf(
  source: Source,
  path: FieldPath,
  { inside, isKey = false }: { readonly inside?: Position | undefined; readonly isKey?: boolean } = {},
): Position {
  const { node, keyOffset } = walk(source.document.contents, path)
  if (isKey) return positionIn(source.lineCounter, keyOffset)
  const offset = isScalar(node) || isSeq(node) ? (node.range?.[0] ?? keyOffset) : keyOffset
  if (inside && isScalar(node)) return insideScalar(source, node, inside)
  return positionIn(source.lineCounter, offset)
}

function walk(top: Node | null, path: FieldPath): { node: Node | null; keyOffset: number } {
  let node = top
  let keyOffset = top?.range?.[0] ?? 0
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (!pair) break
      keyOffset = (pair.key as Scalar).range?.[0] ?? keyOffset
      node = pair.value as Node | null
    } else if (isSeq(node)) {
      node = node.items[Number(step)] as Node | null
      keyOffset = node?.range?.[0] ?? keyOffset
    } else break
  }
  return { node, keyOffset }
}

/** Exact where a line of the scalar is a line of the file; for folded and escaped text, the line. */
function insideScalar({ lineCounter, text }: Source, scalar: Scalar, inside: Position): Position {
  const start = positionIn(lineCounter, scalar.range![0])
  const isBlock = scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED'
  if (isBlock) {
    const line = start.line + inside.line
    const indent = /^ */.exec(text.split('\n')[start.line] ?? '')![0].length
    return { line, column: indent + inside.column }
  }
  if (inside.line > 1) return { line: start.line + inside.line - 1, column: inside.column }
  const quoteChars = scalar.type === 'PLAIN' ? 0 : 1
  return { line: start.line, column: start.column + quoteChars + inside.column - 1 }
}
