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
} from '../discovery/index.ts'
