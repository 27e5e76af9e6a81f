export type { CommandContext, CommandModule, Output } from './command.ts'
export type { Application, ApplicationDirectory, Directory, JobDirectory, JobRecord, Publication } from './directory.ts'
export type { Events } from './events.ts'
export type { Fetch } from './fetch.ts'
export type {
  AnyService,
  ApplyContext,
  AskOptions,
  Given,
  GroupAsker,
  Groups,
  GroupState,
  ReplicatedService,
} from './groups.ts'
export type { Log } from './log.ts'
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
export type {
  Host,
  JobSocket,
  Metrics,
  Plugin,
  PluginCommands,
  RouteBindings,
  Routes,
  RunningPlugin,
} from './plugin.ts'
export type { Caller, JobCaller, Member, SignedStatement, Statement, Trust } from './trust.ts'
