export type {
  Admission,
  Admitted,
  Network,
  NetworkDependencies,
  NetworkOptions,
  Reach,
  RelayLimits,
} from './contract.ts'
export { callerOf } from './http.ts'
export { createNetwork } from './network.ts'
export { joinStreams } from './tunnel.ts'
export { misfitHint, nameOf, versionsText } from './versions.ts'
export type { Misfit } from './versions.ts'
