export {
  createDiscovery,
  type Discovery,
  type DiscoveryDependencies,
  type DiscoveryEvent,
  type DiscoveryOptions,
} from './discovery.ts'
export type { Candidate, FindOptions, FindResult, NodeInfo, Nodes, NodeState, Query, Rejection } from './nodes.ts'
export { SEARCH_DEFAULTS, type SearchOptions } from './search.ts'
