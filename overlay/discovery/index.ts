export {
  createDiscovery,
  type Discovery,
  type DiscoveryDependencies,
  type DiscoveryEvent,
  type DiscoveryOptions,
} from './discovery.ts'
export type {
  Candidate,
  Explanation,
  FindOptions,
  FindResult,
  NodeInfo,
  Nodes,
  NodeState,
  Query,
  Rejection,
  SearchEnd,
} from './nodes.ts'
export { SEARCH_DEFAULTS, type SearchOptions } from './search.ts'
export type { CandidateSource, Seeking, SeekOptions, Trail } from './source.ts'
