/** What peer ids of ed25519 keys all begin with (the multihash header of an identity-hashed key): no help to people. */
const COMMON_PREFIX = '12D3KooW'

const CHARS_MIN = 6

/**
 * The shortest ends of ids that tell these apart, at least six characters after what all have in common. Any of them, and
 * any other unique prefix, names its node.
 */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = [...new Set(ids)].toSorted()
  const short = new Map<string, string>()
  for (const [index, id] of sorted.entries()) {
    const base = id.startsWith(COMMON_PREFIX) ? COMMON_PREFIX.length : 0
    const shared = Math.max(sharedChars(id, sorted[index - 1]), sharedChars(id, sorted[index + 1]))
    short.set(id, id.slice(0, Math.max(base + CHARS_MIN, shared + 1)))
  }
  return short
}

function sharedChars(a: string, b: string | undefined): number {
  let count = 0
  while (b !== undefined && count < a.length && a[count] === b[count]) count++
  return count
}
