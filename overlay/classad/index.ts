export { Ad, type Scope } from './ad.ts'
export {
  AD_CHARS_MAX,
  EVALUATION_DEPTH_MAX,
  EVALUATION_STEPS_MAX,
  EXPRESSION_CHARS_MAX,
  EXPRESSION_HEIGHT_MAX,
  EXPRESSION_NODES_MAX,
  LIST_ITEMS_MAX,
  NESTING_DEPTH_MAX,
  TEXT_VALUE_CHARS_MAX,
} from './bounds.ts'
export { conjunctsOf, type Conjunct } from './conjuncts.ts'
export { isExpressionEqual } from './equal.ts'
export { evaluate, evaluateAttribute, type Scopes } from './evaluate.ts'
export { isForeseeable } from './foreseeable.ts'
export { formatExpression, formatValue } from './format.ts'
export type { EvaluationContext } from './frame.ts'
export { compareVersions, functionNames } from './functions/index.ts'
export type { Syntax } from './lexer.ts'
export { isAcceptedBy, symmetricMatch } from './match.ts'
export { parseOldAd, parseOldAds } from './old-ads.ts'
export { isIdentical } from './operators.ts'
export { parseAd, parseAds, parseExpression, type ParseAdOptions, type ParseOptions } from './parse.ts'
export { referencedNames } from './references.ts'
export {
  childrenOf,
  SCOPE_NAMES,
  type AdEntry,
  type AdNode,
  type AttributeNode,
  type AttributeScope,
  type BinaryNode,
  type BinaryOperator,
  type CallNode,
  type ConditionalNode,
  type Expression,
  type ListNode,
  type LiteralNode,
  type SelectNode,
  type SubscriptNode,
  type UnaryNode,
  type UnaryOperator,
} from './syntax.ts'
export {
  AbsoluteTime,
  ErrorValue,
  isError,
  isList,
  isTrue,
  RelativeTime,
  typeOf,
  type LiteralValue,
  type TypeName,
  type Value,
} from './value.ts'
