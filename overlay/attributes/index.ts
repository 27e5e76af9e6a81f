export type { Attributes, AttributeValue } from './attributes.ts'
