export { ExpressionCache } from './expressions.ts'
export { Live, matches, mergeAttributes, type LiveAttributes, type LiveDependencies } from './live.ts'
export { LIVE_EXPRESSION_CHARS_MAX, liveWire, type LiveReply, type LiveRequest } from './messages.ts'
