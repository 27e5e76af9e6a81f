import { childrenOf, SCOPE_NAMES, type AdNode, type Expression } from './syntax.ts'

/**
 * The attributes that an expression reads from outside itself, in lower case: bare names, `MY.`, `TARGET.` and root ones.
 * Names that an ad within the expression gives are not among them, nor those that `eval` makes from text.
 */
export function referencedNames(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>()
  collect(expression, [], names)
  return names
}

function collect(expression: Expression, around: readonly AdNode[], names: Set<string>): void {
  if (expression.kind === 'attribute') {
    const key = expression.name.toLowerCase()
    if (!isInner(expression.scope, key, around)) names.add(key)
    return
  }
  const inside = expression.kind === 'ad' ? [...around, expression] : around
  for (const child of childrenOf(expression)) collect(child, inside, names)
}

/** Whether an ad that is part of the expression has the attribute. Outside all ads `MY` is the evaluating scope. */
function isInner(scope: string, key: string, around: readonly AdNode[]): boolean {
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
