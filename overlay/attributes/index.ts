export type { Attributes, AttributeValue } from './attributes.ts'
export { attributeOf, equalAttributes } from './lookup.ts'
export {
  ATTRIBUTE_COUNT_MAX,
  ATTRIBUTE_NAME_CHARS_MAX,
  ATTRIBUTE_SET_COUNT_MAX,
  ATTRIBUTE_TEXT_CHARS_MAX,
  ATTRIBUTES_CHARS_MAX,
  checkAttributes,
  isAttributeName,
  readAttributes,
} from './read.ts'
export { scopeOf } from './scope.ts'
export {
  ATTRIBUTE_ALIASES,
  attributeAlias,
  KNOWN_ATTRIBUTES,
  knownAttribute,
  resolvedName,
  type AttributeAlias,
  type AttributeKind,
  type KnownAttribute,
} from './table.ts'
