import type { LiteralValue } from './value.ts'

/**
 * The syntax tree: plain data, for whoever makes, reads or splits expressions. Brackets are not in it; `formatExpression`
 * puts them where they are needed. A tree built by hand is under the same bounds as a parsed one when it is evaluated.
 */
export type Expression =
  | LiteralNode
  | AttributeNode
  | SelectNode
  | SubscriptNode
  | UnaryNode
  | BinaryNode
  | ConditionalNode
  | CallNode
  | ListNode
  | AdNode

export interface LiteralNode {
  readonly kind: 'literal'
  readonly value: LiteralValue
}

/**
 * Where an attribute is looked for:
 * - `near` (a bare name): in the ad that it stands in, then in the ads around that, then in the target;
 * - `my` (`MY.x`, `self.x`): in the ad that it stands in, and nowhere else;
 * - `target` (`TARGET.x`, `other.x`): in the other ad of a match;
 * - `parent` (`parent.x`): in the ad around the one that it stands in;
 * - `root` (`.x`, `root.x`, `toplevel.x`): in the outermost ad.
 */
export type AttributeScope = 'near' | 'my' | 'target' | 'parent' | 'root'

export interface AttributeNode {
  readonly kind: 'attribute'
  readonly scope: AttributeScope
  /** As it was written; looked up in lower case. */
  readonly name: string
}

/** `from.name`, where `from` is an ad, or a list of ads to take the attribute of each. */
export interface SelectNode {
  readonly kind: 'select'
  readonly from: Expression
  readonly name: string
}

export interface SubscriptNode {
  readonly kind: 'subscript'
  readonly from: Expression
  readonly index: Expression
}

export type UnaryOperator = '-' | '+' | '!' | '~'

export interface UnaryNode {
  readonly kind: 'unary'
  readonly operator: UnaryOperator
  readonly operand: Expression
}

/** `=?=` is also written `is`, `=!=` also `isnt`. `?:` gives its right side where its left is undefined. */
export type BinaryOperator =
  | '||'
  | '&&'
  | '|'
  | '^'
  | '&'
  | '=='
  | '!='
  | '=?='
  | '=!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '<<'
  | '>>'
  | '>>>'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '?:'

export interface BinaryNode {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expression
  readonly right: Expression
}

export interface ConditionalNode {
  readonly kind: 'conditional'
  readonly condition: Expression
  readonly then: Expression
  readonly otherwise: Expression
}

export interface CallNode {
  readonly kind: 'call'
  /** As it was written; looked up in lower case. */
  readonly name: string
  readonly arguments: readonly Expression[]
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Expression[]
}

export interface AdNode {
  readonly kind: 'ad'
  /** No two of them have names that are equal in lower case. */
  readonly entries: readonly AdEntry[]
}

export interface AdEntry {
  readonly name: string
  readonly expression: Expression
}

/** How tightly the operators bind, loosest first, each level from the left; unary and postfix ones bind tighter than all. */
export const BINARY_LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!=', '=?=', '=!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>', '>>>'],
  ['+', '-'],
  ['*', '/', '%'],
]

/** The level of each operator but `?:`, which is a postfix one and takes a postfix expression on its right. */
export const LEVEL_OF: ReadonlyMap<BinaryOperator, number> = new Map(
  BINARY_LEVELS.flatMap((operators, level) => operators.map((operator) => [operator, level] as const)),
)

/** Names that mean a scope when they stand before a dot. */
export const SCOPE_NAMES: ReadonlyMap<string, AttributeScope> = new Map<string, AttributeScope>([
  ['my', 'my'],
  ['self', 'my'],
  ['target', 'target'],
  ['other', 'target'],
  ['parent', 'parent'],
  ['root', 'root'],
  ['toplevel', 'root'],
])

/** The parts of an expression, left to right. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'attribute':
      return []
    case 'select':
      return [expression.from]
    case 'subscript':
      return [expression.from, expression.index]
    case 'unary':
      return [expression.operand]
    case 'binary':
      return [expression.left, expression.right]
    case 'conditional':
      return [expression.condition, expression.then, expression.otherwise]
    case 'call':
      return expression.arguments
    case 'list':
      return expression.items
    case 'ad':
      return expression.entries.map((entry) => entry.expression)
  }
}
