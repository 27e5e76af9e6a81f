export { DEPTH_MAX, ITEMS_MAX, LastEncoded, decode, encode } from './codec.ts'
export type { DecodeLimits } from './codec.ts'
