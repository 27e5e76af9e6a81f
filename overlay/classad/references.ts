import { childrenOf, SCOPE_NAMES, type AdNode, type AttributeScope, type Expression } from './syntax.ts'

/**
 * The attributes that an expression reads from outside itself, in lower case: bare names, `MY.`, `TARGET.` and root ones.
 * Names that an ad within the expression gives are not among them, nor those that `eval` makes from text.
 */
export function referencedNames(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>()
  const left: Place[] = [{ expression, around: [] }]
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const { expression: node, around } = place
    if (node.kind === 'attribute') {
      const key = node.name.toLowerCase()
      if (!isInner(node.scope, key, around)) names.add(key)
      continue
    }
    const inside = node.kind === 'ad' ? [...around, node] : around
    for (const child of childrenOf(node).toReversed()) left.push({ expression: child, around: inside })
  }
  return names
}

interface Place {
  readonly expression: Expression
  /** The ads within the whole expression that this part stands in, outermost first. */
  readonly around: readonly AdNode[]
}

/** Whether an ad that is part of the expression has the attribute. Outside all ads `MY` is the evaluating scope. */
function isInner(scope: AttributeScope, key: string, around: readonly AdNode[]): boolean {
  const has = (ad: AdNode | undefined): boolean =>
    ad !== undefined && ad.entries.some((entry) => entry.name.toLowerCase() === key)
  switch (scope) {
    case 'near':
      return SCOPE_NAMES.has(key) || around.some(has)
    case 'my':
      return around.length > 0
    case 'parent':
      return around.length > 1 || around.length === 0
  }
  return false
}
