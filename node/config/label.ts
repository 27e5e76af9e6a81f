import { RoostError, type AttributeValue } from '../../overlay/index.ts'

/** A label as people write it: a name of letters, digits, `_` and `.`, then a value. */
const LABEL_PATTERN = /^([A-Za-z_][A-Za-z0-9_.]*)=(.*)$/su
const NUMBER_PATTERN = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/u

/**
 * `gpu.driver=550` as a name and a value: a number, `true` or `false`, `[a, b]` as a list of text, all else as text;
 * double quotes keep text that looks like one of the others. `ATTRIBUTE_INVALID` where it is no label.
 */
export function parseLabel(label: string): { readonly name: string; readonly value: AttributeValue } {
  const match = LABEL_PATTERN.exec(label)
  if (!match)
    throw new RoostError('ATTRIBUTE_INVALID', `"${label}" is not a label`, {
      hint: 'write name=value; the name has letters, digits, `_` and `.`',
    })
  return { name: match[1]!, value: parseValue(match[2]!.trim()) }
}

function parseValue(text: string): AttributeValue {
  if (NUMBER_PATTERN.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('[') && text.endsWith(']')) {
    const inner = text.slice(1, -1).trim()
    return inner === '' ? [] : inner.split(',').map((item) => unquote(item.trim()))
  }
  return unquote(text)
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
