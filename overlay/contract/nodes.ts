export type {
  Candidate,
  FindOptions,
  FindResult,
  NodeInfo,
  Nodes,
  NodeState,
  Query,
  Rejection,
} from '../discovery/index.ts'
