import { evaluateAttribute, formatValue, isError, isList, type Ad, type Value } from '../../overlay/index.ts'

/**
 * A value as JSON has it. `undefined` and errors are null (the type tells them apart); integers and reals that JSON cannot
 * hold without loss, and times, are text as an expression would write them.
 */
export function plainValue(value: Value): unknown {
  switch (typeof value) {
    case 'undefined':
      return null
    case 'boolean':
    case 'string':
      return value
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
  }
  if (isError(value)) return null
  if (isList(value)) return value.map(plainValue)
  return 'entries' in value ? plainAd(value) : formatValue(value).replace(/^\w+\("(.*)"\)$/, '$1')
}

function plainAd(ad: Ad): Record<string, unknown> {
  return Object.fromEntries([...ad.entries].map(({ name }) => [name, plainValue(evaluateAttribute(ad, name))]))
}
