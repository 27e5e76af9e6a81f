import { isAttributeName, RoostError, type AttributeValue } from '../../overlay/index.ts'

const NUMBER_PATTERN = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/u

/**
 * `gpu.driver=550` as a name and a value: a number, `true` or `false`, `[a, b]` as a list of text, all else as text;
 * double quotes keep text that looks like one of the others. `ATTRIBUTE_INVALID` where it is no label.
 */
export function parseLabel(label: string): { readonly name: string; readonly value: AttributeValue } {
  const equals = label.indexOf('=')
  const name = label.slice(0, Math.max(equals, 0))
  if (!isAttributeName(name))
    throw new RoostError('ATTRIBUTE_INVALID', `"${label}" is not a label`, {
      hint: 'write name=value; the name has letters, digits, `_` and `.`',
    })
  return { name, value: parseValue(label.slice(equals + 1).trim()) }
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
